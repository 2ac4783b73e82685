#include "model/yaml/pruner.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "model/yaml/block_lexer.h"

namespace waypath::model::yaml {
namespace {

struct Entry {
  std::uint32_t column;
  std::string_view key;
};

/// What the model reads of `status`: addresses, readiness, load balancers. Other collections there are left
/// out.
constexpr std::array<std::string_view, 7> kStatusKept{"podIP",      "podIPs",    "hostIP",      "hostIPs",
                                                      "conditions", "addresses", "loadBalancer"};

/// Parts of a pod spec without effect on traffic. (env, ports, probes and volumes are read.)
constexpr std::array<std::string_view, 8> kContainerDropped{
    "resources",    "volumeMounts",           "volumeDevices",   "lifecycle",
    "resizePolicy", "terminationMessagePath", "imagePullPolicy", "stdin"};
constexpr std::array<std::string_view, 4> kPodSpecDropped{"affinity", "tolerations",
                                                          "topologySpreadConstraints", "imagePullSecrets"};

bool holds(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Whether the part that starts with the last key of `path` can be left out. Sequences do not show in the
/// path.
bool droppable(std::span<const Entry> path, bool has_value) {
  const std::string_view key = path.back().key;
  if (path.size() == 2) {
    if (path[0].key == "metadata") return key == "managedFields" || key == "selfLink";
    if (path[0].key == "status") return !has_value && !holds(kStatusKept, key);
  }
  if (path.size() == 3 && path[0].key == "metadata" && path[1].key == "annotations") {
    return key == "kubectl.kubernetes.io/last-applied-configuration";
  }
  if (path[0].key != "spec") return false;
  // Pods keep their spec at the root, workloads below spec.template.
  std::span<const Entry> pod = path.subspan(1);
  if (pod.size() > 2 && pod[0].key == "template" && pod[1].key == "spec") pod = pod.subspan(2);
  if (pod.size() == 1) return holds(kPodSpecDropped, key);
  return pod.size() == 2 && (pod[0].key == "containers" || pod[0].key == "initContainers") &&
         holds(kContainerDropped, key);
}

}  // namespace

std::string prune_block(std::string_view text, LineMap& lines) {
  std::string kept;
  kept.reserve(text.size());
  std::vector<Entry> path;
  std::uint32_t kept_lines = 0;
  bool dropping = false;
  std::uint32_t drop_column = 0;
  std::size_t run = 0;  // start of the lines to keep that are not copied yet

  BlockLexer lexer(text);
  BlockLine line;
  while (lexer.next(line)) {
    const bool opens = line.kind == BlockLine::Kind::Key || line.kind == BlockLine::Kind::Item ||
                       line.kind == BlockLine::Kind::Text;
    if (dropping) {
      // A mapping's list may stand at the column of its key: dashes there still belong to it.
      const bool inside =
          !opens || line.indent > drop_column || (line.indent == drop_column && line.dashes > 0);
      if (inside) {
        lines.skip(kept_lines, 1);
        continue;
      }
      dropping = false;
      run = line.begin;
    }
    if (line.kind == BlockLine::Kind::Key) {
      while (!path.empty() &&
             (line.dashes > 0 ? path.back().column > line.indent : path.back().column >= line.column))
        path.pop_back();
      path.push_back({line.column, line.key});
      if (line.dashes == 0 && droppable(path, !line.value.empty())) {
        kept.append(text.substr(run, line.begin - run));
        dropping = true;
        drop_column = line.column;
        lines.skip(kept_lines, 1);
        continue;
      }
    }
    ++kept_lines;
  }
  if (!dropping) kept.append(text.substr(run));
  return kept;
}

}  // namespace waypath::model::yaml
