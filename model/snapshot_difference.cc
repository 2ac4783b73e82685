#include "model/snapshot_difference.h"

#include <memory>

#include "model/same_content.h"

namespace waypath::model {
namespace {

template <class T>
void compare(const Snapshot& before, const Snapshot& after, std::span<const Symbol> ignored_labels,
             SnapshotDifference& out) {
  const auto was = before.all<T>(), is = after.all<T>();
  if (was.data() == is.data()) return;
  const auto add = [](const std::shared_ptr<const T>& object, std::vector<const ObjectMeta*>& to) {
    if (object->meta.origin == Origin::Manifest) to.push_back(&object->meta);
  };
  auto a = was.begin();
  auto b = is.begin();
  while (a != was.end() || b != is.end()) {
    const bool both = a != was.end() && b != is.end();
    if (both && (*a)->meta.key == (*b)->meta.key) {
      if (*a != *b && !same_content(**a, **b, ignored_labels)) {
        add(*a, out.gone);
        add(*b, out.come);
      }
      ++a;
      ++b;
    } else if (b == is.end() || (both && (*a)->meta.key < (*b)->meta.key)) {
      add(*a++, out.gone);
    } else {
      add(*b++, out.come);
    }
  }
}

template <class... Ts>
void compare_all(TypeList<Ts...>, const Snapshot& before, const Snapshot& after,
                 std::span<const Symbol> ignored_labels, SnapshotDifference& out) {
  (compare<Ts>(before, after, ignored_labels, out), ...);
}

}  // namespace

SnapshotDifference snapshot_difference(const Snapshot& before, const Snapshot& after,
                                       std::span<const Symbol> ignored_labels) {
  SnapshotDifference out;
  compare_all(ResourceTypes{}, before, after, ignored_labels, out);
  return out;
}

}  // namespace waypath::model
