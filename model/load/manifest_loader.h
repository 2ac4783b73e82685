#pragma once
// Stages 1 to 3: files -> documents -> decoded resources -> Snapshot.

#include <optional>
#include <string>
#include <vector>

#include "model/snapshot.h"
#include "model/yaml/node.h"

namespace waypath::model {

struct LoadOptions {
  unsigned jobs = 0;                          // 0 = all cores
  std::string default_namespace = "default";  // for namespaced objects without metadata.namespace
  std::string
      cache_directory;  // not empty: images of loaded input are kept there (load_cache.h); for files alone
};

struct LoadStats {
  std::size_t bytes = 0, documents = 0, skipped_documents = 0, objects = 0;
  std::size_t reference_documents = 0;  // YAML that the fast reader left to yaml-cpp
  std::string cache_remark;             // what became of the cache, when one is used
};

/// Paths: files, directories (recursive, *.yaml *.yml *.json), "-" for standard input. Reports everything it
/// finds wrong; the snapshot holds what could be used. Check `diagnostics.has_input_errors()` for exit 2.
[[nodiscard]] Snapshot load_manifests(const std::vector<std::string>& paths, const LoadOptions& options,
                                      Diagnostics& diagnostics, LoadStats* stats = nullptr);

/// Files and directories, and texts that come from elsewhere (the output of a program): {name, text}.
[[nodiscard]] Snapshot load_manifests(const std::vector<std::string>& paths,
                                      const std::vector<SourceFile>& texts, const LoadOptions& options,
                                      Diagnostics& diagnostics, LoadStats* stats = nullptr);

/// The same from memory: {path, text} in order. Used by tests, by scenario files that carry their cluster and
/// by fuzzers.
[[nodiscard]] Snapshot load_texts(const std::vector<SourceFile>& texts, const LoadOptions& options,
                                  Diagnostics& diagnostics, LoadStats* stats = nullptr);

/// Decodes the objects of one text into a builder (an `apply` change). `line_offset`/`pos_override` for
/// inline objects.
bool load_into(SnapshotBuilder& builder, std::string path, std::string text, const LoadOptions& options,
               Diagnostics& diagnostics, std::vector<ResourceKey>* loaded = nullptr);

/// Decodes one object that is a tree already (a patched one) into a builder. `raw` tells what it is a version
/// of.
bool load_object(SnapshotBuilder& builder, const yaml::Node& root, RawObject raw, const LoadOptions& options,
                 Diagnostics& diagnostics);

/// What `--strict` does not bear: errors, and what strict field validation or a webhook would refuse.
[[nodiscard]] bool has_refusals(const Diagnostics& diagnostics);

}  // namespace waypath::model
