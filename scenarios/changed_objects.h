#pragma once
// The objects that lie between two clusters, as a plan names them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engine.h"

namespace waypath::scenarios {

/// An object that is not the same on both sides.
struct ChangedObject {
  enum class How : std::uint8_t { Added, Removed, Changed } how = How::Changed;
  std::string object;  // "Kind/ns/name", or "Istio 1.27.8 -> 1.28.5"
  std::string place;   // "file:line" of the newer text, of the older one when removed
};
[[nodiscard]] std::string_view to_string(ChangedObject::How how);

/// Sorted by name, each once. Of a cluster and the same with changes made: every object that a change wrote
/// otherwise. Of two that were loaded by themselves: those of which something that is read differs
/// (model/snapshot_difference.h), so that formatting, and fields that no verdict rests on, are no changes.
[[nodiscard]] std::vector<ChangedObject> changed_objects(const sim::Engine& before, const sim::Engine& after);

}  // namespace waypath::scenarios
