#include "tools/waypath/changed_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "scenarios/scenario.h"

namespace waypath::tools {
namespace {

std::optional<std::string> text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return std::nullopt;
  return text.str();
}

std::vector<std::string> manifests_below(const std::string& path) {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
    const auto extension = entry.path().extension();
    if (extension == ".yaml" || extension == ".yml" || extension == ".json")
      out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

model::Change applied(const std::string& path, std::string text) {
  model::ApplyChange apply;
  apply.path = path;
  apply.text = std::move(text);
  return {std::move(apply), {}};
}

bool is_change_list(const std::string& text) {
  return text.compare(0, 7, "change:") == 0 || text.find("\nchange:") != std::string::npos;
}

}  // namespace

std::optional<ChangeSet> read_change(const std::string& path, const Options& options,
                                     const Streams& streams) {
  ChangeSet out;
  out.path = path;
  std::error_code error;
  const bool directory = std::filesystem::is_directory(path, error);
  for (const auto& file : directory ? manifests_below(path) : std::vector{path}) {
    auto text = text_of(file);
    if (!text) {
      complain(streams, fmt::format("--change: {} cannot be read", file), "give a file or a directory");
      return std::nullopt;
    }
    if (!directory && is_change_list(*text)) {
      out.text = std::move(*text);
      break;
    }
    out.changes.push_back(applied(file, std::move(*text)));
  }
  if (out.text.empty()) return out;
  model::Diagnostics diagnostics;
  model::SourceFiles files;
  out.changes = scenarios::parse_changes(path, out.text, files, diagnostics);
  if (diagnostics.has_errors()) {
    print_diagnostics(diagnostics, files, options, streams);
    return std::nullopt;
  }
  for (const auto& change : out.changes)
    if (const auto* v = std::get_if<model::VersionChange>(&change.what)) {
      out.version = version_of(v->istio_version, "istioVersion", streams);
      if (!out.version) return std::nullopt;
    }
  return out;
}

model::Snapshot with_change(const model::Snapshot& snapshot, const ChangeSet& change,
                            model::Diagnostics& diagnostics) {
  if (change.text.empty()) return model::apply_changes(snapshot, change.changes, diagnostics);
  std::uint32_t file = 0;
  const model::Snapshot base = snapshot.with_file(change.path, change.text, file);
  std::vector<model::Change> placed = change.changes;
  for (auto& one : placed) one.pos.file = file;
  return model::apply_changes(base, placed, diagnostics);
}

EnginePtr changed_engine(const sim::Engine& before, const std::vector<std::string>& paths,
                         const Options& options, const Streams& streams) {
  model::Diagnostics diagnostics;
  model::Snapshot snapshot = before.cluster().snapshot();
  auto version = given_version(before);
  for (const auto& path : paths) {
    const auto change = read_change(path, options, streams);
    if (!change) return nullptr;
    if (change->version) version = change->version;
    snapshot = with_change(snapshot, *change, diagnostics);
  }
  const model::SourceFiles files = snapshot.files();
  const bool refused = diagnostics.has_errors();
  const auto after = refused ? nullptr : rebuild(before, std::move(snapshot), version, diagnostics);
  print_diagnostics(diagnostics, files, options, streams);
  return after;
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

}  // namespace waypath::tools
