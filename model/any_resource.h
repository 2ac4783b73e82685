#pragma once
// One resource of any kind with its type left out: what decoders give and the builder takes. So a decoder
// compiles its own kinds alone, and a resource is made once, where it stays.

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "model/resource_types.h"

namespace waypath::model {

/// Where T stands in a TypeList; of other types there is none.
template <class T, class List>
struct TypeIndex;
template <class T, class... Ts>
struct TypeIndex<T, TypeList<T, Ts...>> : std::integral_constant<std::size_t, 0> {};
template <class T, class First, class... Ts>
struct TypeIndex<T, TypeList<First, Ts...>>
    : std::integral_constant<std::size_t, 1 + TypeIndex<T, TypeList<Ts...>>::value> {};
template <class T>
inline constexpr std::size_t kTypeIndex = TypeIndex<T, ResourceTypes>::value;

class AnyResource {
 public:
  AnyResource() = default;
  template <class T>
  requires(requires(T r) { r.meta; })
      AnyResource(T resource) {  // NOLINT(google-explicit-constructor): a resource is one
    auto made = std::make_shared<T>(std::move(resource));
    meta_ = &made->meta;
    type_ = kTypeIndex<T>;
    object_ = std::move(made);
  }

  [[nodiscard]] ObjectMeta& meta() const { return *meta_; }
  /// The index of its type in ResourceTypes.
  [[nodiscard]] std::size_t type() const { return type_; }
  /// The resource itself; T is its type.
  template <class T>
  [[nodiscard]] const T& as() const {
    return *static_cast<const T*>(object_.get());
  }
  template <class T>
  [[nodiscard]] std::shared_ptr<const T> take() && {
    return std::static_pointer_cast<const T>(std::move(object_));
  }

 private:
  std::shared_ptr<void> object_;
  ObjectMeta* meta_ = nullptr;
  std::size_t type_ = 0;
};

/// Calls `fn.operator()<T>()` for the type of this index; false when there is none.
template <class... Ts, class F>
bool with_type(TypeList<Ts...> /*types*/, std::size_t index, F fn) {
  std::size_t i = 0;
  return ((i++ == index && (fn.template operator()<Ts>(), true)) || ...);
}

}  // namespace waypath::model
