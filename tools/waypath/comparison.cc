#include "tools/waypath/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "model/change.h"
#include "model/load/file_source.h"
#include "scenarios/flow_enumeration.h"
#include "scenarios/flow_selector.h"
#include "scenarios/scenario.h"

namespace waypath::tools {
namespace {

// A file with a `change:` list, else manifests to apply; a directory stands for the manifests in it.
std::optional<std::vector<model::Change>> read_change(const std::string& path, model::SourceFiles& files,
                                                      model::Diagnostics& diagnostics) {
  namespace fs = std::filesystem;
  std::vector<model::Change> out;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    std::vector<std::string> inside;
    for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
      const auto extension = entry.path().extension();
      if (extension == ".yaml" || extension == ".yml" || extension == ".json")
        inside.push_back(entry.path().string());
    }
    std::sort(inside.begin(), inside.end());
    for (const auto& file : inside) {
      auto more = read_change(file, files, diagnostics);
      if (!more) return std::nullopt;
      out.insert(out.end(), std::make_move_iterator(more->begin()), std::make_move_iterator(more->end()));
    }
    return out;
  }
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return std::nullopt;
  const std::string content = text.str();
  const bool list = content.compare(0, 7, "change:") == 0 || content.find("\nchange:") != std::string::npos;
  if (list) return scenarios::parse_changes(path, content, files, diagnostics);
  model::ApplyChange apply;
  apply.path = path;
  apply.text = content;
  out.push_back({std::move(apply), {}});
  return out;
}

}  // namespace

// Flows of --scenario, else all that the two clusters suggest.
std::optional<Questions> questions(const Options& options, const Streams& streams, const sim::Engine& before,
                                   const sim::Engine& after) {
  Questions out;
  model::Diagnostics diagnostics;
  model::SourceFiles files;
  if (!options.plan.scenario.empty()) {
    const auto scenario = scenarios::read_scenario(options.plan.scenario, files, diagnostics);
    print_diagnostics(diagnostics, files, options, streams);
    if (!scenario || diagnostics.has_errors()) return std::nullopt;
    std::set<std::string> known;
    for (const auto* side : {&before, &after}) {
      scenarios::FlowSelection selection(side->cluster());
      for (const auto& written : scenario->flows)
        for (auto& one : selection.expand(written))
          if (known.insert(one.flow.name).second) out.flows.push_back(std::move(one.flow));
    }
    out.assume = scenario->assume;
    return out;
  }
  out.flows = scenarios::enumerate_flows(before.cluster());
  std::vector<std::string> known;
  for (const auto& flow : out.flows) known.push_back(flow.name);
  std::sort(known.begin(), known.end());
  for (auto& flow : scenarios::enumerate_flows(after.cluster()))
    if (!std::binary_search(known.begin(), known.end(), flow.name)) out.flows.push_back(std::move(flow));
  return out;
}

EnginePtr rebuild(const sim::Engine& from, model::Snapshot snapshot,
                  const std::optional<model::IstioVersion>& version, model::Diagnostics& diagnostics) {
  model::ClusterOptions how;
  const auto cidrs = from.cluster().pod_cidrs();
  how.pod_cidrs.assign(cidrs.begin(), cidrs.end());
  how.version = version;
  return sim::Engine::build(model::Cluster::build(std::move(snapshot), how, diagnostics), from.options(),
                            diagnostics);
}

std::optional<model::IstioVersion> version_of(const std::string& text, const char* flag,
                                              const Streams& streams) {
  auto version = model::parse_istio_version(text);
  if (!version)
    complain(
        streams, fmt::format("{}: \"{}\" is no Istio version", flag, text),
        fmt::format("write 1.28 or 1.28.3; the newest known is {}", model::newest_known_version().str()));
  return version;
}

std::optional<Sides> plan_sides(const Options& options, const Streams& streams) {
  if (options.plan.changes.empty()) {
    complain(streams, "which change? No --change",
             "--change takes manifests to apply, or a file with a `change:` list (scenarios/FORMAT.md)");
    return std::nullopt;
  }
  const auto before = load_engine(options, streams);
  if (!before) return std::nullopt;
  model::Diagnostics diagnostics;
  model::Snapshot snapshot = before->cluster().snapshot();
  std::optional<model::IstioVersion> version;
  if (before->cluster().version_origin() == model::Cluster::VersionOrigin::Given)
    version = before->cluster().profile().version();
  for (const auto& path : options.plan.changes) {
    model::SourceFiles files;
    auto changes = read_change(path, files, diagnostics);
    if (!changes) {
      complain(streams, fmt::format("--change: {} cannot be read", path), "give a file or a directory");
      return std::nullopt;
    }
    if (diagnostics.has_errors()) {
      print_diagnostics(diagnostics, files, options, streams);
      return std::nullopt;
    }
    std::uint32_t file = 0;
    if (files.size() > 0) snapshot = snapshot.with_file(path, std::string(files.text(1)), file);
    for (auto& change : *changes) {
      change.pos.file = file;
      if (const auto* v = std::get_if<model::VersionChange>(&change.what)) {
        version = version_of(v->istio_version, "istioVersion", streams);
        if (!version) return std::nullopt;
      }
    }
    snapshot = model::apply_changes(snapshot, *changes, diagnostics);
  }
  const model::SourceFiles files = snapshot.files();
  // A change that cannot be made, or makes an object that the API server would refuse, would not be merged.
  const bool refused = diagnostics.has_errors();
  const auto after = refused ? nullptr : rebuild(*before, std::move(snapshot), version, diagnostics);
  print_diagnostics(diagnostics, files, options, streams);
  if (!after || refused) return std::nullopt;
  return Sides{before, after};
}

}  // namespace waypath::tools
