#include "scenarios/scenario.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include "model/diagnostic_codes.h"
#include "model/istio/profile.h"
#include "model/load/decode.h"
#include "model/yaml/reader.h"
#include "scenarios/change_reader.h"
#include "scenarios/flow_reader.h"
#include "scenarios/keys.h"
#include "scenarios/scenario_parts.h"

namespace waypath::scenarios {
namespace {

using model::Field;
namespace error_type = model::error_type;
namespace fs = std::filesystem;

std::vector<std::string> words_of(const Field& f) {
  if (f.present() && f.node()->is_sequence()) return f.texts();
  // As a shell splits words; nothing is expanded.
  std::vector<std::string> out;
  char quote = 0;
  bool in_word = false;
  for (const char c : f.text()) {
    if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        out.back() += c;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      in_word = false;
    } else {
      if (!in_word) out.emplace_back();
      in_word = true;
      if (c == '\'' || c == '"')
        quote = c;
      else
        out.back() += c;
    }
  }
  if (quote != 0) f.reject(error_type::kInvalid, "a quote is not closed");
  return out;
}

void read_manifests(const Field& f, const std::string& path, Scenario& out) {
  const auto one = [&](const Field& item) {
    if (!item.present() || !item.node()->is_mapping()) {
      out.manifests.push_back(beside(path, item.text()));
      return;
    }
    item.only(keys::kCommand);
    ManifestCommand command;
    command.pos = item.pos();
    command.words = words_of(item["command"]);
    command.directory = fs::path(path).parent_path().string();
    for (const auto& word : command.words) command.text += (command.text.empty() ? "" : " ") + word;
    if (command.words.empty() || command.words.front().empty())
      item["command"].reject(error_type::kRequired, "the command is missing",
                             "command: kustomize build overlays/prod");
    else
      out.commands.push_back(std::move(command));
  };
  if (f.present() && f.node()->is_sequence())
    f.each(one);
  else if (f.present())
    one(f);
}

void read_cluster(const Field& f, const ScenarioFile& file, std::string_view text, Scenario& out) {
  f.only(keys::kCluster);
  const Field manifests = f["manifests"];
  if (manifests.present() || file.objects != 0) {
    out.manifests.clear();
    out.commands.clear();
    out.inline_cluster.reset();
  }
  read_manifests(manifests, file.path, out);
  if (file.objects != 0 && manifests.present())
    manifests.reject(error_type::kInvalid, "two clusters: manifests are named and the file holds objects too",
                     "leave out cluster.manifests, or move the objects into one of its files");
  if (file.objects != 0) out.inline_cluster = model::SourceFile{file.path, std::string(text)};
  if (const Field version = f["istioVersion"]) {
    out.istio_version = scalar_text(version);
    if (!model::parse_istio_version(*out.istio_version))
      version.reject(error_type::kInvalid, "\"" + *out.istio_version + "\" is no Istio version",
                     "write \"1.28\" or \"1.28.3\"");
  }
  if (f["podCidrs"]) out.pod_cidrs = one_or_many(f["podCidrs"]);
  for (const auto& cidr : out.pod_cidrs)
    if (!model::parse_cidr(cidr))
      f["podCidrs"].reject(error_type::kInvalid, "\"" + cidr + "\" is not a CIDR block");
  if (const auto cni = f["cni"].one_of(values::kCni); !cni.empty())
    out.options.cni = cni == "calico"   ? sim::Cni::Calico
                      : cni == "cilium" ? sim::Cni::Cilium
                      : cni == "ovn"    ? sim::Cni::Ovn
                                        : sim::Cni::Generic;
  const Field s = f["sim"];
  s.only(keys::kSim);
  const auto set = [&](const char* key, std::optional<bool>& option) {
    if (const auto stated = s[key].optional_boolean()) option = stated;
  };
  set("ipBlockSelectsPods", out.options.ipblock_selects_pods);
  set("cniRejects", out.options.cni_rejects);
  set("probesSubjectToNetworkPolicy", out.options.probe_snat_subject_to_netpol);
}

// What the names in a file may mean; own ones win over included ones.
struct Names {
  Tokens tokens;
  std::vector<std::string> flows, groups, invariants, variants;
  std::vector<std::string> selected;  // groups whose flows only a cluster tells: "GROUP: FROM -> TO"
};

void read_assume(const Field& f, const Tokens& tokens, sim::Assume& out) {
  f.only(keys::kAssume);
  for (auto& issuer : one_or_many(f["jwksUnavailable"])) out.jwks_unavailable.push_back(std::move(issuer));
  f["extAuthz"].each_member([&](std::string_view name, const Field& p) {
    out.ext_authz.insert_or_assign(std::string(name), read_ext_authz(p, tokens));
  });
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether a flow, a group or one of a group's flows is called so; reports it when none is.
bool known_flow(const Field& at, std::string_view name, const Names& names) {
  const bool found = holds(names.flows, name) || holds(names.groups, name) ||
                     std::any_of(names.selected.begin(), names.selected.end(), [&](const auto& group) {
                       return name.substr(0, group.size() + 2) == group + ": ";
                     });
  if (!found) reject_unknown_name(at, "no flow is named \"" + std::string(name) + "\"", name, names.flows);
  return found;
}

void read_expectations(const Field& f, const Names& names, std::map<std::string, Expectation>& out) {
  f.each_member([&](std::string_view name, const Field& e) {
    if (known_flow(e, name, names)) out.insert_or_assign(std::string(name), read_expectation(e));
  });
}

Variant read_variant(const Field& f, const Names& names, const std::string& path) {
  Variant v;
  v.pos = f.pos();
  f.only(keys::kVariant);
  v.name = f["name"].text();
  if (v.name.empty()) f["name"].reject(error_type::kRequired, "a variant needs its name");
  v.description = f["description"].text();
  v.tags = one_or_many(f["tags"]);
  v.changes = read_changes(f["change"], path);
  if (f["change"].size() == 0)
    f["change"].reject(error_type::kRequired, "a variant changes something",
                       "list what it applies, deletes, patches, labels, scales or fails");
  f["flows"].each([&](const Field& named) {
    v.flows.push_back(named.text());
    (void)known_flow(named, v.flows.back(), names);
  });
  read_expectations(f["expect"], names, v.expect);
  f["violates"].each([&](const Field& named) {
    v.violates.push_back(named.text());
    if (!holds(names.invariants, v.violates.back()))
      reject_unknown_name(named, "no invariant is named \"" + v.violates.back() + "\"", v.violates.back(),
                          names.invariants);
  });
  return v;
}

void taken(const Field& f, std::vector<std::string>& names, const std::string& name, const char* what) {
  if (holds(names, name))
    f["name"].reject(error_type::kDuplicate, std::string("two ") + what + " are named \"" + name + "\"");
  names.push_back(name);
}

void read_flows(const Field& root, Names& names, Scenario& out) {
  root["defaults"].only(keys::kDefaults);
  root["flows"].each([&](const Field& written) {
    auto flows = read_flow(written, names.tokens);
    const bool named = !written["name"].text().empty();
    if (named && !flows.empty()) taken(written, names.groups, flows.front().group, "flows");
    for (auto& flow : flows) {
      if (!named || flow.flow.name != flow.group) taken(written, names.flows, flow.flow.name, "flows");
      if (flow.from || flow.to) names.selected.push_back(flow.group);
      if (named && flow.flow.name == flow.group && !holds(names.flows, flow.group))
        names.flows.push_back(flow.group);
      out.flows.push_back(std::move(flow));
    }
  });
}

void read_root(const Field& root, const ScenarioFile& file, std::string_view text, const Tokens& tokens,
               Scenario& out) {
  root.only(keys::kScenario);
  if (root["apiVersion"].text() != "waypath.dev/v1")
    root["apiVersion"].reject(error_type::kNotSupported,
                              "\"" + root["apiVersion"].text() + "\": expected waypath.dev/v1");
  (void)root["kind"].one_of(values::kKind);
  (void)one_or_many(root["include"]);
  root["variables"].each_member([](std::string_view, const Field&) {});
  root["metadata"].only(keys::kMetadata);
  read_cluster(root["cluster"], file, text, out);
  read_assume(root["assume"], tokens, out.assume);
}

// A ScenarioPart is run by those that include it; what is indented is a text within another object, such as a
// ConfigMap.
bool is_scenario(std::string_view text) {
  static constexpr std::string_view kKind = "kind: Scenario";
  for (auto at = text.find(kKind); at != std::string_view::npos; at = text.find(kKind, at + 1)) {
    const auto begin = text.substr(0, at).rfind('\n') + 1;
    const auto before = text.substr(begin, at - begin);
    if (!before.empty() && before.find_first_not_of(' ') == std::string_view::npos) continue;
    const auto rest = text.substr(at + kKind.size());
    if (rest.empty() || rest.substr(0, 4) != "Part") return true;
  }
  return false;
}

// In a scenario everything unknown or mistyped is an error of the input.
bool report_as_input_errors(model::Diagnostics&& found, model::Diagnostics& diagnostics) {
  bool ok = true;
  for (auto d : found.items()) {
    if (d.code == model::kFieldType || d.code == model::kFieldUnknown || d.code == model::kFieldInvalid) {
      d.code = kScenarioInvalid;
      d.severity = model::Severity::Error;
      d.reach = model::Reach::Input;
      if (d.error_type == model::error_type::kUnknownField) d.message = "unknown field";
    }
    if (d.severity == model::Severity::Error) ok = false;
    diagnostics.report(std::move(d));
  }
  return ok;
}

}  // namespace

std::optional<Scenario> parse_scenario(const std::string& path, const std::string& text,
                                       model::SourceFiles& files, model::Diagnostics& diagnostics) {
  model::Diagnostics found;
  const auto read = read_scenario_files(path, text, files, found);
  if (read.empty()) {
    report_as_input_errors(std::move(found), diagnostics);
    return std::nullopt;
  }
  Scenario out;
  out.path = path;
  Names names;
  std::vector<std::unique_ptr<model::DecodeContext>> contexts;
  std::vector<Field> roots;
  for (const auto& file : read) {
    contexts.push_back(std::make_unique<model::DecodeContext>(found));
    roots.emplace_back(*contexts.back(), *file.root);
    roots.back()["assume"]["tokens"].each_member([&](std::string_view name, const Field& t) {
      names.tokens.insert_or_assign(std::string(name), read_token(t));
    });
  }
  for (std::size_t i = 0; i < read.size(); ++i)
    read_root(roots[i], read[i], files.text(roots[i].node()->pos.file), names.tokens, out);
  const Field& own = roots.back();
  out.name = own["metadata"]["name"].text(fs::path(path).stem().string());
  out.description = own["metadata"]["description"].text();
  out.tags = one_or_many(own["metadata"]["tags"]);
  for (const Field& root : roots) read_flows(root, names, out);
  for (const Field& root : roots) read_expectations(root["expect"], names, out.expect);
  for (const Field& root : roots)
    root["invariants"].each([&](const Field& f) {
      out.invariants.push_back(read_invariant(f, names.tokens));
      taken(f, names.invariants, out.invariants.back().name, "invariants");
    });
  if (out.flows.empty() && out.invariants.empty())
    own["flows"].reject(error_type::kRequired, "a scenario needs at least one flow or invariant",
                        "flows: [{from: ns/pod, to: URL, expect: {outcome: allow}}]");
  for (std::size_t i = 0; i < read.size(); ++i)
    roots[i]["variants"].each([&](const Field& f) {
      out.variants.push_back(read_variant(f, names, read[i].path));
      taken(f, names.variants, out.variants.back().name, "variants");
    });
  if (out.manifests.empty() && out.commands.empty() && !out.inline_cluster)
    own["cluster"]["manifests"].reject(
        error_type::kRequired, "no cluster",
        "name manifests, or add the objects as further documents of this file");
  if (!report_as_input_errors(std::move(found), diagnostics)) return std::nullopt;
  return out;
}

std::optional<Scenario> read_scenario(const std::string& path, model::SourceFiles& files,
                                      model::Diagnostics& diagnostics) {
  const auto text = read_text_file(path, {}, diagnostics);
  return text ? parse_scenario(path, *text, files, diagnostics) : std::nullopt;
}

std::vector<model::Change> parse_changes(const std::string& path, const std::string& text,
                                         model::SourceFiles& files, model::Diagnostics& diagnostics) {
  const auto file = files.add(path, text);
  model::Diagnostics found;
  std::vector<model::Change> out;
  model::DecodeContext context(found);
  for (const auto& d : model::yaml::read_documents(text, file, found, {.prune = false})) {
    if (d.root == nullptr) continue;
    const Field root(context, *d.root);
    if (!d.root->is_sequence()) root.only({"change"});
    auto list = read_changes(d.root->is_sequence() ? root : root["change"], path);
    out.insert(out.end(), std::make_move_iterator(list.begin()), std::make_move_iterator(list.end()));
  }
  report_as_input_errors(std::move(found), diagnostics);
  return out;
}

std::vector<std::string> find_scenarios(const std::vector<std::string>& paths,
                                        model::Diagnostics& diagnostics) {
  std::vector<std::string> out;
  for (const auto& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      out.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry :
         fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, error)) {
      const auto extension = entry.path().extension();
      if (!entry.is_regular_file(error) || (extension != ".yaml" && extension != ".yml")) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string text(std::istreambuf_iterator<char>(in), {});
      if (is_scenario(text)) found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    if (found.empty())
      diagnostics.report({kScenarioNone,
                          model::Severity::Error,
                          model::Reach::Input,
                          {},
                          {},
                          {},
                          {},
                          "no scenario file below \"" + path + "\"",
                          "a scenario file has kind: Scenario"});
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

}  // namespace waypath::scenarios
