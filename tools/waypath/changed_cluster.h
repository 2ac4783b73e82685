#pragma once
// The cluster as --change, --from-version and --to-version make it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/change.h"
#include "model/istio/profile.h"
#include "scenarios/rebuild.h"
#include "tools/waypath/app.h"

namespace waypath::tools {

using EnginePtr = std::shared_ptr<const sim::Engine>;
using scenarios::given_version;
using scenarios::rebuild;

/// What one --change says: a file with a `change:` list, else manifests to apply; a directory stands for the
/// manifests in it.
struct ChangeSet {
  std::string path;
  std::string text;  // of a file with a `change:` list, "" of manifests
  std::vector<model::Change> changes;
  std::optional<model::IstioVersion> version;  // the last istioVersion of the list
};
/// Nullopt: reported.
[[nodiscard]] std::optional<ChangeSet> read_change(const std::string& path, const Options& options,
                                                   const Streams& streams);
/// The snapshot with the changes made; errors of a change that cannot be made go to `diagnostics`.
[[nodiscard]] model::Snapshot with_change(const model::Snapshot& snapshot, const ChangeSet& change,
                                          model::Diagnostics& diagnostics);

/// All changes made in order. Nullptr: reported; a change that cannot be made, or makes an object that the
/// API server would refuse, would not be merged.
[[nodiscard]] EnginePtr changed_engine(const sim::Engine& before, const std::vector<std::string>& paths,
                                       const Options& options, const Streams& streams);

/// Nullopt (reported) when `text` is no Istio version.
[[nodiscard]] std::optional<model::IstioVersion> version_of(const std::string& text, const char* flag,
                                                            const Streams& streams);

}  // namespace waypath::tools
