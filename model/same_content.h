#pragma once
// Whether two objects say the same.

#include <cstddef>
#include <type_traits>
#include <variant>

#include "model/istio/mesh_config_reader.h"
#include "model/load/aggregate.h"
#include "model/load/image_codec.h"
#include "model/resource.h"

namespace waypath::model {

/// All that is read of two objects is the same: places make no difference, nor does the image of an
/// application.
template <class T>
bool same_content(const T& a, const T& b);

template <class T>
bool same_entries(const T& a, const T& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same_content(a[i], b[i])) return false;
  return true;
}

// Member by member, so that none is forgotten when a struct grows; `left_out` may be null.
template <class T>
bool same_members(const T& a, const T& b, const void* left_out) {
  return with_members(a, [&](const auto&... of_a) {
    return with_members(b, [&](const auto&... of_b) {
      return ((static_cast<const void*>(&of_a) == left_out || same_content(of_a, of_b)) && ...);
    });
  });
}

template <class T>
bool same_content(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, SourcePos>) {
    return true;  // a place is no content
  } else if constexpr (std::is_same_v<T, ObjectMeta>) {
    return same_members(a, b, &a.raw);
  } else if constexpr (std::is_same_v<T, Container>) {
    return same_members(a, b, istio_component(a) || istio_component(b) ? nullptr : &a.image);
  } else if constexpr (std::is_same_v<T, Labels>) {
    return a == b;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::string> ||
                       std::is_same_v<T, Symbol> || std::is_same_v<T, IpAddress>) {
    return a == b;
  } else if constexpr (IsVector<T>::value) {
    return same_entries(a, b);
  } else if constexpr (IsOptional<T>::value) {
    return a.has_value() == b.has_value() && (!a || same_content(*a, *b));
  } else if constexpr (IsPair<T>::value) {
    return same_content(a.first, b.first) && same_content(a.second, b.second);
  } else if constexpr (IsVariant<T>::value) {
    return a.index() == b.index() &&
           std::visit(
               [&](const auto& of_a) {
                 return same_content(of_a, std::get<std::decay_t<decltype(of_a)>>(b));
               },
               a);
  } else if constexpr (std::is_empty_v<T>) {
    return true;
  } else {
    return same_members(a, b, nullptr);
  }
}

}  // namespace waypath::model
