#include "model/descriptive_labels.h"

#include <algorithm>
#include <type_traits>
#include <variant>

#include "model/istio/mesh_config_reader.h"
#include "model/load/aggregate.h"
#include "model/load/image_codec.h"

namespace waypath::model {
namespace {

class Readers {
 public:
  template <class T>
  void read(const T& value) {
    if constexpr (std::is_same_v<T, Labels> || std::is_same_v<T, SourcePos> ||
                  std::is_same_v<T, ResourceKey> || std::is_arithmetic_v<T> || std::is_enum_v<T> ||
                  std::is_same_v<T, IpAddress> || std::is_empty_v<T>) {
      // no text, or a place where the key is no more than a label
    } else if constexpr (std::is_same_v<T, Symbol>) {
      std::erase_if(keys_, [&](Symbol key) { return key == value; });
    } else if constexpr (std::is_same_v<T, std::string>) {
      std::erase_if(keys_, [&](Symbol key) { return value.find(key.view()) != std::string::npos; });
    } else if constexpr (IsVector<T>::value) {
      for (const auto& entry : value) read(entry);
    } else if constexpr (IsOptional<T>::value) {
      if (value) read(*value);
    } else if constexpr (IsPair<T>::value) {
      read(value.first);
      read(value.second);
    } else if constexpr (IsVariant<T>::value) {
      std::visit([&](const auto& held) { read(held); }, value);
    } else {
      with_members(value, [&](const auto&... members) { (read(members), ...); });
    }
  }

  [[nodiscard]] std::vector<Symbol> unread() && { return std::move(keys_); }

 private:
  std::vector<Symbol> keys_{intern("helm.sh/chart"), intern("app.kubernetes.io/version"),
                            intern("app.kubernetes.io/managed-by"), intern("chart"), intern("heritage")};
};

template <class... Ts>
void read_all(TypeList<Ts...>, const Snapshot& snapshot, Readers& readers) {
  const auto each = [&](const auto& objects) {
    for (const auto& object : objects) readers.read(*object);
  };
  (each(snapshot.all<Ts>()), ...);
}

}  // namespace

std::vector<Symbol> unread_descriptive_labels(const Snapshot& snapshot) {
  Readers readers;
  read_all(ResourceTypes{}, snapshot, readers);
  return std::move(readers).unread();
}

}  // namespace waypath::model
