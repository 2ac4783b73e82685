#pragma once
// The cache of loaded input (`--cache DIR`): what decoding the files gave, as one image a set of inputs. An
// image is used when it is whole (checksum), made by this very program, and its inputs are the same: by the
// times, numbers and sizes of their files where these can be trusted, else by a hash of the texts. Anything
// else is refused and the image made anew. The form is decoded records: the snapshot owns its objects on the
// heap, so that overlays and the caches of evaluators work as ever; what lies outside the records (derived
// objects, duplicates) is worked out again from them.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/load/decoders.h"
#include "model/load/manifest_loader.h"

namespace waypath::model {

/// What decoding one document gave, one object of it.
struct LoadedObject {
  RawObject raw;
  Decoded resources;
};

/// What reading files told beside the objects.
struct LoadedRest {
  std::vector<Diagnostic> diagnostics;
  std::vector<Snapshot::Skipped> skipped;
  LoadStats stats;
};

/// Collects what a load gives and writes it as an image; or gives what an image holds.
class LoadCache {
 public:
  /// `files`: the inputs, of which the first `on_disk` were read (or mapped) from where they are; of the
  /// others only the text is known, whatever their names. `started`: nanoseconds since 1970, before any was.
  LoadCache(std::string directory, const SourceFiles& sources, const std::vector<std::uint32_t>& files,
            std::size_t on_disk, const LoadOptions& options, std::int64_t started);
  ~LoadCache();

  /// Gives every object in order, then the rest. False: no image, or it was refused (`remark` says why); what
  /// was given so far does not count then.
  [[nodiscard]] bool read(unsigned jobs, const std::function<void(LoadedObject&&)>& take, LoadedRest& rest);

  void add(const LoadedObject& object);
  /// Writes the image by way of a temporary file. A directory that cannot be written is a remark only.
  void write(const LoadedRest& rest);

  [[nodiscard]] const std::string& remark() const { return remark_; }

 private:
  struct Input;
  struct State;

  std::unique_ptr<State> state_;
  std::string remark_;
};

/// 64 bits of a text. Any change of one byte changes them.
[[nodiscard]] std::uint64_t image_checksum(std::string_view bytes);

}  // namespace waypath::model
