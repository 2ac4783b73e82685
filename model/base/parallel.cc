#include "model/base/parallel.h"

#include <algorithm>
#include <thread>

#ifdef WAYPATH_STD_THREADS
#include <atomic>
#include <exception>
#include <mutex>
#include <vector>
#else
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#endif

namespace waypath::model {
namespace {

#ifdef WAYPATH_STD_THREADS

void run(std::size_t n, unsigned threads, const std::function<void(std::size_t)>& fn) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = next.fetch_add(1); i < n; i = next.fetch_add(1)) {
      try {
        fn(i);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> pool;
    for (unsigned t = 1; t < threads; ++t) pool.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

#else

void run(std::size_t n, unsigned threads, const std::function<void(std::size_t)>& fn) {
  oneapi::tbb::task_arena arena(static_cast<int>(threads));
  arena.execute([&] {
    oneapi::tbb::parallel_for(oneapi::tbb::blocked_range<std::size_t>(0, n),
                              [&](const oneapi::tbb::blocked_range<std::size_t>& range) {
                                for (std::size_t i = range.begin(); i != range.end(); ++i) fn(i);
                              });
  });
}

#endif

}  // namespace

void parallel_for_index(std::size_t n, unsigned jobs, const std::function<void(std::size_t)>& fn) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const unsigned wanted = jobs == 0 ? cores : std::min(jobs, cores);
  const auto threads = static_cast<unsigned>(std::min<std::size_t>(wanted, n));
  if (threads <= 1) {
    for (std::size_t i = 0; i < n; ++i) fn(i);
    return;
  }
  run(n, threads, fn);
}

}  // namespace waypath::model
