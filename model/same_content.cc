#include "model/same_content.h"

#include <type_traits>
#include <variant>

#include "model/istio/mesh_config_reader.h"
#include "model/load/aggregate.h"
#include "model/load/image_codec.h"

namespace waypath::model {
namespace {

template <class T>
bool same(const T& a, const T& b);

template <class T>
bool same_entries(const T& a, const T& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(a[i], b[i])) return false;
  return true;
}

// Member by member, so that none is forgotten when a struct grows; `left_out` may be null.
template <class T>
bool same_members(const T& a, const T& b, const void* left_out) {
  return with_members(a, [&](const auto&... of_a) {
    return with_members(b, [&](const auto&... of_b) {
      return ((static_cast<const void*>(&of_a) == left_out || same(of_a, of_b)) && ...);
    });
  });
}

template <class T>
bool same(const T& a, const T& b) {
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
    return a.has_value() == b.has_value() && (!a || same(*a, *b));
  } else if constexpr (IsPair<T>::value) {
    return same(a.first, b.first) && same(a.second, b.second);
  } else if constexpr (IsVariant<T>::value) {
    return a.index() == b.index() &&
           std::visit([&](const auto& of_a) { return same(of_a, std::get<std::decay_t<decltype(of_a)>>(b)); },
                      a);
  } else if constexpr (std::is_empty_v<T>) {
    return true;
  } else {
    return same_members(a, b, nullptr);
  }
}

}  // namespace

bool same_content(std::size_t type, const void* a, const void* b) {
  bool equal = false;
  with_type(ResourceTypes(), type,
            [&]<class T>() { equal = same(*static_cast<const T*>(a), *static_cast<const T*>(b)); });
  return equal;
}

}  // namespace waypath::model
