#include "scenarios/scenario.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "model/diagnostic_codes.h"
#include "model/istio/profile.h"
#include "model/load/decode.h"
#include "model/yaml/reader.h"
#include "model/yaml/yaml_codes.h"
#include "scenarios/change_reader.h"
#include "scenarios/flow_reader.h"
#include "scenarios/keys.h"

namespace waypath::scenarios {
namespace {

using model::Field;
namespace error_type = model::error_type;
namespace fs = std::filesystem;

void read_cluster(const Field& f, Scenario& out) {
  f.only(keys::kCluster);
  for (const auto& path : one_or_many(f["manifests"])) out.manifests.push_back(beside(out.path, path));
  if (const Field version = f["istioVersion"]) {
    out.istio_version = scalar_text(version);
    if (!model::parse_istio_version(*out.istio_version))
      version.reject(error_type::kInvalid, "\"" + *out.istio_version + "\" is no Istio version",
                     "write \"1.28\" or \"1.28.3\"");
  }
  out.pod_cidrs = one_or_many(f["podCidrs"]);
  for (const auto& cidr : out.pod_cidrs)
    if (!model::parse_cidr(cidr))
      f["podCidrs"].reject(error_type::kInvalid, "\"" + cidr + "\" is not a CIDR block");
  const auto cni = f["cni"].one_of(values::kCni);
  out.options.cni = cni == "calico"   ? sim::Cni::Calico
                    : cni == "cilium" ? sim::Cni::Cilium
                    : cni == "ovn"    ? sim::Cni::Ovn
                                      : sim::Cni::Generic;
  const Field s = f["sim"];
  s.only(keys::kSim);
  out.options.ipblock_selects_pods = s["ipBlockSelectsPods"].optional_boolean();
  out.options.cni_rejects = s["cniRejects"].optional_boolean();
  out.options.probe_snat_subject_to_netpol = s["probesSubjectToNetworkPolicy"].optional_boolean();
}

Tokens read_assume(const Field& f, sim::Assume& out) {
  f.only(keys::kAssume);
  Tokens tokens;
  f["tokens"].each_member(
      [&](std::string_view name, const Field& t) { tokens.emplace(std::string(name), read_token(t)); });
  out.jwks_unavailable = one_or_many(f["jwksUnavailable"]);
  f["extAuthz"].each_member([&](std::string_view name, const Field& p) {
    out.ext_authz.emplace(std::string(name), read_ext_authz(p, tokens));
  });
  return tokens;
}

Variant read_variant(const Field& f, const std::vector<std::string>& flows, const std::string& path) {
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
    const auto name = named.text();
    if (std::find(flows.begin(), flows.end(), name) == flows.end())
      reject_unknown_name(named, "no flow is named \"" + name + "\"", name, flows);
    v.flows.push_back(name);
  });
  f["expect"].each_member([&](std::string_view name, const Field& e) {
    if (std::find(flows.begin(), flows.end(), name) == flows.end()) {
      reject_unknown_name(e, "no flow is named \"" + std::string(name) + "\"", name, flows);
    } else {
      v.expect.emplace(std::string(name), read_expectation(e));
    }
  });
  return v;
}

void read_root(const Field& root, Scenario& out) {
  root.only(keys::kScenario);
  if (root["apiVersion"].text() != "waypath.dev/v1")
    root["apiVersion"].reject(error_type::kNotSupported,
                              "\"" + root["apiVersion"].text() + "\": expected waypath.dev/v1");
  root["metadata"].only(keys::kMetadata);
  out.name = root["metadata"]["name"].text(fs::path(out.path).stem().string());
  out.description = root["metadata"]["description"].text();
  read_cluster(root["cluster"], out);
  const auto tokens = read_assume(root["assume"], out.assume);
  std::vector<std::string> flows, variants;
  const auto taken = [](const Field& f, std::vector<std::string>& names, const std::string& name,
                        const char* what) {
    if (std::find(names.begin(), names.end(), name) != names.end())
      f["name"].reject(error_type::kDuplicate, std::string("two ") + what + " are named \"" + name + "\"");
    names.push_back(name);
  };
  root["flows"].each([&](const Field& f) {
    out.flows.push_back(read_flow(f, tokens));
    taken(f, flows, out.flows.back().flow.name, "flows");
  });
  if (out.flows.empty())
    root["flows"].reject(error_type::kRequired, "a scenario needs at least one flow",
                         "flows: [{from: ns/pod, to: URL, expect: {outcome: allow}}]");
  root["variants"].each([&](const Field& f) {
    out.variants.push_back(read_variant(f, flows, out.path));
    taken(f, variants, out.variants.back().name, "variants");
  });
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

std::optional<std::string> read_file(const std::string& path, model::Diagnostics& diagnostics) {
  std::error_code error;
  std::ifstream in(path, std::ios::binary);
  if (!in || fs::is_directory(path, error)) {
    diagnostics.report({model::yaml::kInputMissing,
                        model::Severity::Error,
                        model::Reach::Input,
                        {},
                        {},
                        {},
                        {},
                        "\"" + path + "\" cannot be read; expected a scenario file",
                        "check the spelling"});
    return std::nullopt;
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

std::optional<Scenario> parse_scenario(const std::string& path, const std::string& text,
                                       model::SourceFiles& files, model::Diagnostics& diagnostics) {
  const auto file = files.add(path, text);
  model::Diagnostics found;
  const auto documents = model::yaml::read_documents(text, file, found, {.prune = false});
  const model::yaml::Document* scenario = nullptr;
  std::size_t others = 0;
  for (const auto& d : documents) {
    const auto* kind = d.root == nullptr ? nullptr : d.root->find("kind");
    if (kind != nullptr && kind->is_scalar() && kind->scalar == "Scenario") {
      if (scenario != nullptr)
        found.report({kScenarioInvalid,
                      model::Severity::Error,
                      model::Reach::Input,
                      d.root->pos,
                      {},
                      "kind",
                      {},
                      "a file holds one Scenario",
                      "put the second into a file of its own"});
      if (scenario == nullptr) scenario = &d;
    } else if (d.root != nullptr && !d.root->is_null()) {
      ++others;
    }
  }
  if (scenario == nullptr) {
    if (!found.has_errors())
      found.report({kScenarioInvalid,
                    model::Severity::Error,
                    model::Reach::Input,
                    {file, 1, 1},
                    {},
                    "kind",
                    {},
                    "no document with kind: Scenario",
                    "start with apiVersion: waypath.dev/v1 and kind: Scenario"});
    report_as_input_errors(std::move(found), diagnostics);
    return std::nullopt;
  }
  Scenario out;
  model::DecodeContext context(found);
  out.path = path;
  out.text = text;
  read_root(Field(context, *scenario->root), out);
  if (others != 0 && !out.manifests.empty())
    found.report({kScenarioInvalid,
                  model::Severity::Error,
                  model::Reach::Input,
                  scenario->root->pos,
                  {},
                  "cluster.manifests",
                  {},
                  "two clusters: manifests are named and the file holds objects too",
                  "leave out cluster.manifests, or move the objects into one of its files"});
  if (out.manifests.empty()) {
    out.inline_cluster = others != 0;
    if (others == 0)
      found.report({kScenarioInvalid,
                    model::Severity::Error,
                    model::Reach::Input,
                    scenario->root->pos,
                    {},
                    "cluster.manifests",
                    {},
                    "no cluster",
                    "name manifests, or add the objects as further documents of this file"});
  }
  if (!report_as_input_errors(std::move(found), diagnostics)) return std::nullopt;
  return out;
}

std::optional<Scenario> read_scenario(const std::string& path, model::SourceFiles& files,
                                      model::Diagnostics& diagnostics) {
  const auto text = read_file(path, diagnostics);
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
      if (text.find("kind: Scenario") != std::string::npos) found.push_back(entry.path().string());
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
