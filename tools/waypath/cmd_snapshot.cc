// waypath snapshot DIR

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "model/load/kind_table.h"
#include "scenarios/run_command.h"
#include "tools/render/names.h"
#include "tools/waypath/app.h"

namespace waypath::tools {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kReaders = 8;  // kubectl processes at a time
using Json = nlohmann::json;

/// A kind of the cluster that waypath reads.
struct Resource {
  std::string name;  // as kubectl takes it: "networkpolicies.networking.k8s.io"
  bool namespaced = true;
};

class Kubectl {
 public:
  explicit Kubectl(const SnapshotSelection& how) : words_{how.kubectl} {
    if (!how.context.empty()) words_.push_back("--context=" + how.context);
    if (!how.kubeconfig.empty()) words_.push_back("--kubeconfig=" + how.kubeconfig);
    words_.emplace_back("--request-timeout=60s");
  }
  [[nodiscard]] scenarios::CommandResult operator()(const std::vector<std::string>& more) const {
    auto command = words_;
    command.insert(command.end(), more.begin(), more.end());
    return scenarios::run_command(command);
  }

 private:
  std::vector<std::string> words_;
};

// The last line: what kubectl says in the end.
std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return printable(text.substr(text.rfind('\n') + 1));
}

// What a cluster serves of what waypath reads. Columns: NAME SHORTNAMES APIVERSION NAMESPACED KIND;
// SHORTNAMES may be empty.
std::vector<Resource> wanted(const std::string& table) {
  std::vector<Resource> out;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(std::move(word));
    if (words.size() < 4) continue;
    const std::string& kind = words.back();
    const std::string& namespaced = words[words.size() - 2];
    const auto [group, version] = model::split_api_version(words[words.size() - 3]);
    const auto* row = model::find_kind(group, kind);
    if (row == nullptr || row->kind == "*" || row->support == model::KindSupport::NoEffect ||
        kind == "Secret")
      continue;
    out.push_back(
        {group.empty() ? words.front() : fmt::format("{}.{}", words.front(), group), namespaced == "true"});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

std::string joined(const std::vector<Resource>& resources, bool namespaced) {
  std::vector<std::string> names;
  for (const auto& r : resources)
    if (r.namespaced == namespaced) names.push_back(r.name);
  return join(names, ",");
}

// Less what only repeats or belongs to others: managedFields (kubectl before 1.21 prints them), the copy of
// the object in its own annotation, Secrets, and ConfigMaps that nothing modelled reads.
void add_items(const std::string& text, Json& items) {
  Json list = Json::parse(text);
  Json found = list.contains("items") ? std::move(list["items"]) : Json::array({std::move(list)});
  for (auto& item : found) {
    const std::string kind = item.value("kind", "");
    if (kind == "Secret") continue;
    if (auto meta = item.find("metadata"); meta != item.end()) {
      meta->erase("managedFields");
      if (auto notes = meta->find("annotations"); notes != meta->end())
        notes->erase("kubectl.kubernetes.io/last-applied-configuration");
    }
    if (kind == "ConfigMap" && !model::config_matters(kind, item["metadata"].value("name", ""), item.dump()))
      continue;
    items.push_back(std::move(item));
  }
}

/// Dumps one scope: the cluster itself, or a namespace.
class Dump {
 public:
  Dump(const Kubectl& kubectl, const std::vector<Resource>& resources)
      : kubectl_(kubectl), resources_(resources) {}

  // Nullopt: nothing could be read. What some kinds refuse is kept in `refused`.
  [[nodiscard]] std::optional<Json> scope(const std::optional<std::string>& ns,
                                          std::vector<std::string>& refused) const {
    Json items = Json::array();
    const std::string all = joined(resources_, ns.has_value());
    if (all.empty()) return items;
    auto got = get(all, ns);
    if (got.exit_code == 0 && add(got.out, items)) return items;
    // One kind that may not be read fails the whole list: one by one.
    items = Json::array();
    bool any = false;
    for (const auto& r : resources_) {
      if (r.namespaced != ns.has_value()) continue;
      got = get(r.name, ns);
      if (got.exit_code == 0 && add(got.out, items)) {
        any = true;
      } else {
        refused.push_back(fmt::format("{}{}: {}", r.name, ns ? " in " + *ns : "", last_line(got.err)));
      }
    }
    if (!any) return std::nullopt;
    return items;
  }

 private:
  [[nodiscard]] scenarios::CommandResult get(const std::string& names,
                                             const std::optional<std::string>& ns) const {
    std::vector<std::string> words{"get", names, "-o", "json", "--chunk-size=500"};
    if (ns) words.push_back("--namespace=" + *ns);
    return kubectl_(words);
  }
  static bool add(const std::string& text, Json& items) {
    try {
      add_items(text, items);
      return true;
    } catch (const Json::exception&) {
      return false;
    }
  }
  const Kubectl& kubectl_;
  const std::vector<Resource>& resources_;
};

// A file is there whole or not at all: an interrupted run leaves no half of one.
bool write_whole(const fs::path& path, Json items) {
  const Json list{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}};
  const fs::path half = path.string() + ".part";
  {
    std::ofstream file(half, std::ios::binary | std::ios::trunc);
    file << list.dump(1, ' ', false, Json::error_handler_t::replace) << "\n" << std::flush;
    if (!file.good()) return false;
  }
  std::error_code error;
  fs::rename(half, path, error);
  return !error;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) out.push_back(line.substr(line.find('/') + 1));  // "namespace/a"
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

int run_snapshot(const Options& options, const Streams& streams) {
  const SnapshotSelection& how = options.snapshot;
  const fs::path folder = how.folder;
  std::error_code error;
  const bool old = fs::exists(folder, error);
  if (old && !fs::is_directory(folder, error)) {
    complain(streams, fmt::format("{} is no directory", how.folder),
             "give a directory that is empty or not there yet");
    return kExitUsage;
  }
  if (old && !how.resume && !fs::is_empty(folder, error)) {
    complain(streams, fmt::format("{} is not empty", how.folder),
             "--resume goes on where a snapshot stopped; a new one needs a directory of its own");
    return kExitUsage;
  }
  const Kubectl kubectl(how);
  const auto served = kubectl({"api-resources", "--verbs=list", "--no-headers"});
  // kubectl lists what it can when an aggregated API is down, and exits 1.
  const auto resources = wanted(served.out);
  if (resources.empty()) {
    complain(streams, fmt::format("{} api-resources: {}", how.kubectl, last_line(served.err)),
             served.exit_code == 127
                 ? "install kubectl, or name it with --kubectl"
                 : "`kubectl cluster-info` has to work: --context and --kubeconfig choose the cluster");
    return kExitUsage;
  }
  std::vector<std::string> namespaces = how.namespaces;
  if (namespaces.empty()) {
    const auto got = kubectl({"get", "namespaces", "-o", "name"});
    if (got.exit_code != 0) {
      complain(streams, "namespaces cannot be listed: " + last_line(got.err),
               "name those you may read: -n shop -n monitoring");
      return kExitUsage;
    }
    namespaces = lines_of(got.out);
  }
  fs::create_directories(folder, error);
  if (error) {
    complain(streams, fmt::format("{} cannot be made: {}", how.folder, error.message()));
    return kExitUsage;
  }
  // Slot 0 is the cluster itself. A namespace cannot be called "_cluster".
  std::vector<std::optional<std::string>> scopes{std::nullopt};
  for (const auto& ns : namespaces) scopes.emplace_back(ns);
  const auto file_of = [&](const std::optional<std::string>& ns) {
    return folder / (ns.value_or("_cluster") + ".json");
  };
  const Dump dump(kubectl, resources);
  std::vector<std::vector<std::string>> refused(scopes.size());
  std::vector<char> failed(scopes.size(), 0), kept(scopes.size(), 0);
  std::vector<std::size_t> counts(scopes.size(), 0);
  std::mutex progress;
  std::size_t done = 0;
  const bool show = streams.err_is_terminal && !options.common.quiet;
  const auto read_one = [&](std::size_t i) {
    std::error_code ignored;
    if (how.resume && fs::exists(file_of(scopes[i]), ignored)) {
      kept[i] = 1;
    } else if (auto items = dump.scope(scopes[i], refused[i])) {
      counts[i] = items->size();
      failed[i] = write_whole(file_of(scopes[i]), std::move(*items)) ? 0 : 1;
      if (failed[i] != 0)
        refused[i].push_back(fmt::format("{} cannot be written", file_of(scopes[i]).string()));
    } else {
      failed[i] = 1;
    }
    const std::lock_guard lock(progress);
    ++done;
    if (show) streams.err << fmt::format("\r{}/{} read", done, scopes.size()) << std::flush;
  };
  // Own threads: kubectl waits for the network, not for a core.
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> readers;
  const std::size_t wanted_threads = options.common.jobs == 0 ? kReaders : options.common.jobs;
  for (std::size_t n = 0; n < std::min(wanted_threads, scopes.size()); ++n)
    readers.emplace_back([&]() {
      for (std::size_t i = next++; i < scopes.size(); i = next++) read_one(i);
    });
  for (auto& reader : readers) reader.join();
  if (show) streams.err << "\r\x1b[K";
  for (const auto& list : refused)
    for (const auto& line : list) streams.err << "warning: not read: " << line << "\n";
  const std::size_t bad = static_cast<std::size_t>(std::count(failed.begin(), failed.end(), 1));
  if (bad > 0) {
    complain(streams, fmt::format("{} of {} parts could not be read", bad, scopes.size()),
             fmt::format("`waypath snapshot {} --resume` tries them again", how.folder));
    return kExitUsage;
  }
  std::size_t objects = 0;
  for (const auto n : counts) objects += n;
  const auto reused = std::count(kept.begin(), kept.end(), 1);
  std::string said = fmt::format("{} objects of {} namespace{} in {}{}\n", objects, namespaces.size(),
                                 namespaces.size() == 1 ? "" : "s", how.folder,
                                 reused > 0 ? fmt::format(" ({} files kept)", reused) : "");
  said += "No Secrets: what they decide is unknown until you add them.\n";
  said += fmt::format("Next: waypath reach -f {}\n", how.folder);
  streams.out << said << std::flush;
  const bool gaps =
      std::any_of(refused.begin(), refused.end(), [](const auto& list) { return !list.empty(); });
  if (!gaps) return kExitFine;
  complain(streams, "the snapshot has gaps: predictions from it take what was not read for absent",
           "get the right to list these kinds, then take a new snapshot");
  return kExitNegative;
}

}  // namespace waypath::tools
