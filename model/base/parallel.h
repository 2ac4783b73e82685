#pragma once
// The one seam over oneTBB: run `fn(i)` for i in [0, n). Each call writes slot i of a pre-sized vector, so
// results are in index order whatever `jobs` is. jobs 0 = all cores, 1 = this thread.

#include <cstddef>
#include <functional>

namespace waypath::model {

void parallel_for_index(std::size_t n, unsigned jobs, const std::function<void(std::size_t)>& fn);

}  // namespace waypath::model
