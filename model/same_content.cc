#include "model/same_content.h"

#include <algorithm>
#include <type_traits>
#include <variant>

#include "model/istio/mesh_config_reader.h"
#include "model/load/aggregate.h"
#include "model/load/image_codec.h"

namespace waypath::model {
namespace {

using Keys = std::span<const Symbol>;

bool same_labels(const Labels& a, const Labels& b, Keys ignored) {
  if (ignored.empty()) return a == b;
  const auto next = [&](std::span<const Label> all, std::size_t i) {
    while (i < all.size() && std::find(ignored.begin(), ignored.end(), all[i].key) != ignored.end()) ++i;
    return i;
  };
  std::size_t i = next(a.all(), 0), j = next(b.all(), 0);
  for (; i < a.all().size() && j < b.all().size(); i = next(a.all(), i + 1), j = next(b.all(), j + 1))
    if (a.all()[i].key != b.all()[j].key || a.all()[i].value != b.all()[j].value) return false;
  return i == a.all().size() && j == b.all().size();
}

template <class T>
bool same(const T& a, const T& b, Keys ignored);

template <class T>
bool same_entries(const T& a, const T& b, Keys ignored) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(a[i], b[i], ignored)) return false;
  return true;
}

// Member by member, so that none is forgotten when a struct grows; `left_out` may be null.
template <class T>
bool same_members(const T& a, const T& b, const void* left_out, Keys ignored) {
  return with_members(a, [&](const auto&... of_a) {
    return with_members(b, [&](const auto&... of_b) {
      return ((static_cast<const void*>(&of_a) == left_out || same(of_a, of_b, ignored)) && ...);
    });
  });
}

template <class T>
bool same(const T& a, const T& b, [[maybe_unused]] Keys ignored) {
  if constexpr (std::is_same_v<T, SourcePos>) {
    return true;  // a place is no content
  } else if constexpr (std::is_same_v<T, ObjectMeta>) {
    return same_members(a, b, &a.raw, ignored);
  } else if constexpr (std::is_same_v<T, Container>) {
    return same_members(a, b, istio_component(a) || istio_component(b) ? nullptr : &a.image, ignored);
  } else if constexpr (std::is_same_v<T, Labels>) {
    return same_labels(a, b, ignored);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::string> ||
                       std::is_same_v<T, Symbol> || std::is_same_v<T, IpAddress>) {
    return a == b;
  } else if constexpr (IsVector<T>::value) {
    return same_entries(a, b, ignored);
  } else if constexpr (IsOptional<T>::value) {
    return a.has_value() == b.has_value() && (!a || same(*a, *b, ignored));
  } else if constexpr (IsPair<T>::value) {
    return same(a.first, b.first, ignored) && same(a.second, b.second, ignored);
  } else if constexpr (IsVariant<T>::value) {
    return a.index() == b.index() &&
           std::visit(
               [&](const auto& of_a) {
                 return same(of_a, std::get<std::decay_t<decltype(of_a)>>(b), ignored);
               },
               a);
  } else if constexpr (std::is_empty_v<T>) {
    return true;
  } else {
    return same_members(a, b, nullptr, ignored);
  }
}

}  // namespace

bool same_content(std::size_t type, const void* a, const void* b, std::span<const Symbol> ignored_labels) {
  bool equal = false;
  with_type(ResourceTypes(), type, [&]<class T>() {
    equal = same(*static_cast<const T*>(a), *static_cast<const T*>(b), ignored_labels);
  });
  return equal;
}

}  // namespace waypath::model
