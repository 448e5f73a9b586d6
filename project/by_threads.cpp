#include <kiln/project/by_threads.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace kiln::project {

void for_each_picture(int64_t count, int threads, const Function<void(int64_t done, int64_t total)>& progress,
                      const Function<void(int64_t)>& work) {
  std::atomic<int64_t> next = 0, done = 0;
  std::mutex mutex;
  std::exception_ptr error;
  const auto run = [&](bool tells) {
    try {
      for (int64_t i = next++; i < count; i = next++) {
        work(i);
        ++done;
        if (tells && progress) progress(done, count);
      }
    } catch (...) {
      next = count;
      const std::scoped_lock lock(mutex);
      if (!error) error = std::current_exception();
    }
  };
  {
    const int64_t wanted = threads > 0 ? threads : std::max<int64_t>(std::thread::hardware_concurrency(), 1);
    std::vector<std::jthread> others;
    for (int64_t i = 1; i < std::min(wanted, count); ++i) others.emplace_back(run, false);
    run(true);
  }
  if (error) std::rethrow_exception(error);
  if (progress) progress(count, count);
}

}  // namespace kiln::project
