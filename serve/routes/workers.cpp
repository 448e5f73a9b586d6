#include <kiln/serve/routes/workers.h>

#include <utility>

#include <kiln/tensor/settings.h>

namespace kiln::serve {

Workers::Workers(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Workers::~Workers() { stop(); }

void Workers::stop() {
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  threads_.clear();
  std::deque<Function<void()>>().swap(queue_);
}

void Workers::post(Function<void()> work) {
  {
    const std::scoped_lock lock(mutex_);
    if (is_stopping_) return;
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void Workers::run() {
  set_num_threads(1);  // the model has the others
  for (;;) {
    Function<void()> work;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return is_stopping_ || !queue_.empty(); });
      if (is_stopping_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace kiln::serve
