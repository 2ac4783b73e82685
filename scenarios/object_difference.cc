#include "scenarios/object_difference.h"

#include <algorithm>
#include <iterator>

#include "model/change.h"

namespace waypath::scenarios {
namespace {

std::vector<const model::ObjectMeta*> written(const model::Snapshot& snapshot) {
  auto out = model::all_objects(snapshot);
  std::erase_if(out, [](const model::ObjectMeta* meta) { return meta->origin != model::Origin::Manifest; });
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

ObjectDifference object_difference(const model::Snapshot& before, const model::Snapshot& after) {
  const auto a = written(before), b = written(after);
  ObjectDifference out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out.gone));
  std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(out.come));
  return out;
}

}  // namespace waypath::scenarios
