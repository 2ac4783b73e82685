// waypath lint

#include <fmt/format.h>

#include "model/base/edit_distance.h"
#include "sim/lint/lint.h"
#include "sim/lint/lint_codes.h"
#include "tools/render/lint.h"
#include "tools/waypath/app.h"

namespace waypath::tools {
namespace {

bool known_codes(const std::vector<std::string>& codes, const Streams& streams) {
  for (const auto& code : codes) {
    if (sim::find_lint_code(code) != nullptr) continue;
    std::vector<std::string_view> names;
    for (const auto& row : sim::lint_codes()) names.push_back(row.info.code.text);
    const auto near = model::nearest(code, names);
    complain(streams,
             fmt::format("--ignore: lint has no code \"{}\"{}", code,
                         near ? fmt::format(", did you mean \"{}\"?", *near) : ""),
             "`waypath explain` lists every code");
    return false;
  }
  return true;
}

}  // namespace

int run_lint(const Options& options, const Streams& streams) {
  if (!known_codes(options.lint.ignore, streams)) return kExitUsage;
  const auto engine = load_engine(options, streams);
  if (!engine) return kExitUsage;
  const auto& wanted = options.cluster.default_namespace;
  if (!wanted.empty() && engine->cluster().find_namespace(model::intern(wanted)) == nullptr) {
    std::vector<std::string_view> names;
    for (const auto& ns : engine->cluster().namespaces()) names.push_back(ns->meta.name().view());
    const auto near = model::nearest(wanted, names);
    complain(streams,
             fmt::format("-n: nothing is in namespace \"{}\"{}", wanted,
                         near ? fmt::format(", did you mean \"{}\"?", *near) : ""),
             "without -n every namespace is looked at");
    return kExitUsage;
  }
  const auto result = sim::lint(*engine, {options.lint.ignore, wanted});
  const auto& least = options.lint.min_severity;
  const LintReport report{result, engine->cluster().files(),
                          options.common.verbose || least == "info" ? model::Severity::Info
                          : least == "error"                        ? model::Severity::Error
                                                                    : model::Severity::Warning};
  if (options.common.format == "html") {
    HtmlReport page("waypath lint", fmt::format("{}{}. Istio {}.", fmt::join(cluster_paths(options), ", "),
                                                wanted.empty() ? "" : ", namespace " + wanted,
                                                engine->cluster().profile().version().str()));
    add_findings(page, report);
    if (!write_data(options, streams, page.html())) return kExitUsage;
    return lint_fails(report) ? kExitNegative : kExitFine;
  }
  const bool colour = options.common.format == "text" && use_colour(options, streams);
  if (!write_data(options, streams, lint_report(report, options.common.format, colour))) return kExitUsage;
  return lint_fails(report) ? kExitNegative : kExitFine;
}

}  // namespace waypath::tools
