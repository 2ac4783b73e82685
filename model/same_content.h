#pragma once
// Whether two objects say the same.

#include <cstddef>
#include <span>

#include "model/any_resource.h"

namespace waypath::model {

/// All that is read of two objects is the same: places make no difference, nor does the image of an
/// application, nor labels of the keys given. `type`: the index of both's type in ResourceTypes.
[[nodiscard]] bool same_content(std::size_t type, const void* a, const void* b,
                                std::span<const Symbol> ignored_labels = {});

template <class T>
[[nodiscard]] bool same_content(const T& a, const T& b, std::span<const Symbol> ignored_labels = {}) {
  return same_content(kTypeIndex<T>, &a, &b, ignored_labels);
}

}  // namespace waypath::model
