#pragma once
// Which parts of an object no decoder reads: most of what `kubectl get -o yaml` prints. Leaving them out
// before they are read costs a hundredth of reading them.

#include <cstdint>
#include <string_view>

namespace waypath::model::yaml {

/// The mappings that hold such parts, by where they stand in the object. Lists do not count: their items
/// stand where the list does. `Other`: nothing in it or below it is left out.
enum class Part : std::uint8_t {
  Other,
  Root,
  Metadata,
  Annotations,
  Status,
  Conditions,
  Spec,          // of any object; of a pod among them
  Template,      // spec.template
  TemplateSpec,  // spec.template.spec
  Containers     // of either spec, the first ones too
};

/// What the value of `key` in `part` is.
[[nodiscard]] Part part_below(Part part, std::string_view key);

/// Whether the value of `key` in `part` can be left out. `inline_value`: it starts on the line of its key (in
/// JSON: it is no object and no list).
[[nodiscard]] bool unread(Part part, std::string_view key, bool inline_value);

}  // namespace waypath::model::yaml
