// waypath explain [CODE | Kind/ns/name | istio/FROM..TO]

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/base/edit_distance.h"
#include "model/change.h"
#include "model/diagnostic_codes.h"
#include "scenarios/scenario_codes.h"
#include "sim/reasons/reason_codes.h"
#include "tools/render/explanation.h"
#include "tools/waypath/app.h"
#include "tools/waypath/enforcement.h"
#include "tools/waypath/explain_object.h"
#include "tools/waypath/service_binding.h"

namespace waypath::tools {
namespace {

constexpr std::array<std::string_view, 10> kKinds{"AdminNetworkPolicy",
                                                  "AuthorizationPolicy",
                                                  "BaselineAdminNetworkPolicy",
                                                  "ClusterNetworkPolicy",
                                                  "Gateway",
                                                  "NetworkPolicy",
                                                  "PeerAuthentication",
                                                  "RequestAuthentication",
                                                  "Service",
                                                  "ServiceEntry"};

std::vector<model::CodeInfo> every_code() {
  auto out = sim::all_codes();
  const auto more = model::diagnostic_codes();
  out.insert(out.end(), more.begin(), more.end());
  const auto scenario = scenarios::scenario_codes();
  out.insert(out.end(), scenario.begin(), scenario.end());
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.code < b.code; });
  return out;
}

bool json(const Options& options) { return options.common.format == "json"; }

int explain_versions(const std::string& range, const Options& options, const Streams& streams) {
  const auto dots = range.find("..");
  const auto from = model::parse_istio_version(range.substr(0, dots));
  const auto to = dots == std::string::npos ? from : model::parse_istio_version(range.substr(dots + 2));
  if (!from || !to || dots == std::string::npos) {
    complain(streams, fmt::format("\"istio/{}\" names no two Istio versions", range),
             "write istio/1.27..1.28");
    return kExitUsage;
  }
  return write_data(options, streams, json(options) ? versions_json(*from, *to) : versions_text(*from, *to))
             ? kExitFine
             : kExitUsage;
}

int explain_one(const Options& options, const Streams& streams) {
  const std::string& subject = options.subject;
  // "Kind.group" tells kinds of one name apart.
  const auto full = std::string_view(subject).substr(0, subject.find('/'));
  const auto kind = full.substr(0, full.find('.'));
  if (std::find(kKinds.begin(), kKinds.end(), kind) == kKinds.end()) {
    const auto near = model::nearest(kind, kKinds);
    complain(streams,
             fmt::format("explain: \"{}\" is no kind of policy, service or gateway{}", kind,
                         near ? fmt::format(", did you mean \"{}\"?", *near) : ""),
             fmt::format("kinds: {}", fmt::join(kKinds, ", ")));
    return kExitUsage;
  }
  const auto engine = load_engine(options, streams);
  if (!engine) return kExitUsage;
  model::Diagnostics diagnostics;
  const auto key = model::resolve_ref(engine->cluster().snapshot(), {subject, {}}, diagnostics);
  print_diagnostics(diagnostics, engine->cluster().files(), options, streams);
  if (!key) return kExitUsage;
  if (key->kind == "Service" || key->kind == "ServiceEntry") {
    for (std::uint32_t i = 0; i < engine->cluster().services().size(); ++i) {
      if (engine->cluster().services()[i].meta().key != *key) continue;
      auto binding = service_binding(*engine, {i});
      binding.findings = findings_about(*engine, *key);
      return write_data(options, streams, json(options) ? binding_json(binding) : binding_text(binding))
                 ? kExitFine
                 : kExitUsage;
    }
    complain(streams, key->str() + " is not in the registry", "it has no host that anybody could ask for");
    return kExitUsage;
  }
  if (std::find(kSectionKinds.begin(), kSectionKinds.end(), key->kind.view()) != kSectionKinds.end()) {
    const auto explanation = explain_object(*engine, *key);
    if (!explanation) return kExitUsage;
    return write_data(options, streams, json(options) ? object_json(*explanation) : object_text(*explanation))
               ? kExitFine
               : kExitUsage;
  }
  auto enforcement = enforcement_of(*engine, *key);
  enforcement.findings = findings_about(*engine, *key);
  return write_data(options, streams,
                    json(options) ? enforcement_json(enforcement) : enforcement_text(enforcement))
             ? kExitFine
             : kExitUsage;
}

}  // namespace

int run_explain(const Options& options, const Streams& streams) {
  const auto codes = every_code();
  if (options.subject.empty())
    return write_data(options, streams, json(options) ? codes_json(codes) : codes_text(codes)) ? kExitFine
                                                                                               : kExitUsage;
  if (options.subject.compare(0, 6, "istio/") == 0)
    return explain_versions(options.subject.substr(6), options, streams);
  if (options.subject.find('/') != std::string::npos) return explain_one(options, streams);
  std::string wanted;
  for (const char c : options.subject)
    wanted.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c == '-' ? '_' : c);
  const auto it =
      std::find_if(codes.begin(), codes.end(), [&](const auto& c) { return c.code.text == wanted; });
  if (it == codes.end()) {
    std::vector<std::string_view> names;
    for (const auto& c : codes) names.push_back(c.code.text);
    const auto near = model::nearest(wanted, names);
    complain(streams,
             fmt::format("no code \"{}\"{}", options.subject,
                         near ? fmt::format(", did you mean \"{}\"?", *near) : ""),
             "`waypath explain` lists every code");
    return kExitUsage;
  }
  return write_data(options, streams, json(options) ? codes_json({*it}) : code_text(*it)) ? kExitFine
                                                                                          : kExitUsage;
}

}  // namespace waypath::tools
