#include <kiln/annotate/routes/news.h>

namespace kiln::annotate {

int64_t News::count() const {
  const std::scoped_lock lock(mutex_);
  return count_;
}

void News::answer(const std::list<Waiting>& all) {
  for (const Waiting& one : all)
    if (!one.reply.is_cancelled()) one.reply.send({.body = one.tell()});
}

void News::happened() {
  std::list<Waiting> all;
  {
    const std::scoped_lock lock(mutex_);
    ++count_;
    all.swap(waiting_);
  }
  answer(all);
}

void News::wait(int64_t seen, std::chrono::milliseconds time, const serve::Reply& reply, Tell tell) {
  std::list<Waiting> one = {{reply, std::move(tell), Clock::now() + time}};
  {
    const std::scoped_lock lock(mutex_);
    constexpr size_t kMost = 500;
    if (seen == count_ && !is_over_ && waiting_.size() < kMost) return waiting_.splice(waiting_.end(), one);
  }
  answer(one);
}

void News::look() {
  std::list<Waiting> over;
  {
    const std::scoped_lock lock(mutex_);
    const Clock::time_point now = Clock::now();
    for (auto at = waiting_.begin(); at != waiting_.end();) {
      const auto next = std::next(at);
      if (at->until <= now || at->reply.is_cancelled()) over.splice(over.end(), waiting_, at);
      at = next;
    }
  }
  answer(over);
}

void News::end() {
  {
    const std::scoped_lock lock(mutex_);
    is_over_ = true;
  }
  happened();
}

}  // namespace kiln::annotate
