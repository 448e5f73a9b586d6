#include <kiln/kernels/base/cpu/pool.h>

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace kiln::kernels::pool {
namespace {

using Clock = std::chrono::steady_clock;

// How long a thread looks for what it waits for before it sleeps. Waking one costs tens of microseconds, so
// on a processor of its own it looks for longer than the time between two regions of a training step. Where
// other programs want the processor, looking takes it from those that would end the wait: then it is short
// for a while.
constexpr Clock::duration kPatience = std::chrono::milliseconds(1),
                          kWaryPatience = std::chrono::microseconds(50);
constexpr auto kWary = std::chrono::milliseconds(100);
// Two looks at the clock are a microsecond apart; this much means that another program ran in between.
constexpr auto kInterrupted = std::chrono::microseconds(200);
std::atomic<Clock::rep> wary_until{0};

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Whether done() came true while it was worth waiting awake.
template <class Done>
bool spin(Done&& done) {
  constexpr int kLooks = 32;  // between two looks at the clock
  if (done()) return true;
  const auto start = Clock::now();
  const bool wary = start.time_since_epoch().count() < wary_until.load(std::memory_order_relaxed);
  Clock::duration patience = wary ? kWaryPatience : kPatience;
  for (auto before = start, now = start; now - start < patience; before = now) {
    for (int i = 0; i < kLooks; ++i) {
      pause();
      if (done()) return true;
    }
    now = Clock::now();
    if (now - before < kInterrupted) continue;
    wary_until.store((now + kWary).time_since_epoch().count(), std::memory_order_relaxed);
    patience = kWaryPatience;
  }
  return false;
}

// Sleeps until the value is another.
template <class T>
void wait_for_change(const std::atomic<T>& value, T old) {
  const auto changed = [&] { return value.load(std::memory_order_acquire) != old; };
  while (!spin(changed)) value.wait(old, std::memory_order_acquire);
}

struct Member {
  int id = 0, count = 1;
  bool inside = false;
};
constinit thread_local Member self;

class As {
 public:
  explicit As(Member member) : before_(self) { self = member; }
  ~As() { self = before_; }
  As(const As&) = delete;
  As& operator=(const As&) = delete;

 private:
  Member before_;
};

// What is left to claim of a region. Claims carry its number, so one that comes late finds nothing.
struct Ticket {
  uint32_t region;
  uint16_t claimed, count;
};

class Pool {
 public:
  void run(int count, Task task, void* data) {
    grow(count - 1);
    task_ = task;
    data_ = data;
    finished_.store(0, std::memory_order_relaxed);
    ticket_.store({++regions_, 0, uint16_t(count)}, std::memory_order_release);
    posted_.fetch_add(1);
    if (sleepers_.load() > 0) wake(count - 1);
    while (work()) {
    }
    for (int done; (done = finished_.load(std::memory_order_acquire)) != count;) wait_for_end(done, count);
  }

  void barrier() {
    const uint32_t phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == self.count) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.fetch_add(1, std::memory_order_release);
      phase_.notify_all();
    } else {
      wait_for_change(phase_, phase);
    }
  }

  // Ends the threads; a later region starts new ones.
  void stop() {
    const std::lock_guard lock(turn);
    stopping_ = true;
    posted_.fetch_add(1);
    posted_.notify_all();
    for (std::thread& thread : workers_) thread.join();
    workers_.clear();
    stopping_ = false;
  }

  std::mutex turn;  // held by the thread whose region it is

 private:
  void grow(int count) {
    while (int(workers_.size()) < count)
      workers_.emplace_back([this] {
        while (!stopping_.load(std::memory_order_relaxed)) {
          const uint32_t seen = posted_.load();
          if (!work()) sleep(seen);
        }
      });
  }

  // Does one member's part, if there is one to do.
  bool work() {
    Ticket ticket = ticket_.load(std::memory_order_acquire);
    do {
      if (ticket.claimed == ticket.count) return false;
    } while (!ticket_.compare_exchange_weak(
        ticket, {ticket.region, uint16_t(ticket.claimed + 1), ticket.count}, std::memory_order_acq_rel));
    {
      const As scope({ticket.claimed, ticket.count, true});
      task_(data_);
    }
    if (finished_.fetch_add(1, std::memory_order_acq_rel) + 1 == ticket.count) finished_.notify_all();
    return true;
  }

  void sleep(uint32_t seen) {
    const auto news = [&] { return posted_.load(std::memory_order_acquire) != seen; };
    if (spin(news)) return;
    sleepers_.fetch_add(1);
    posted_.wait(seen);
    sleepers_.fetch_sub(1);
  }

  void wake(int count) {
    if (count >= int(workers_.size())) return posted_.notify_all();
    for (int i = 0; i < count; ++i) posted_.notify_one();
  }

  void wait_for_end(int done, int count) {
    if (!spin([&] { return finished_.load(std::memory_order_acquire) == count; })) finished_.wait(done);
  }

  alignas(64) std::atomic<Ticket> ticket_{Ticket{0, 0, 0}};
  alignas(64) std::atomic<int> finished_{0};
  alignas(64) std::atomic<uint32_t> posted_{0};
  std::atomic<int> sleepers_{0};
  alignas(64) std::atomic<int> arrived_{0};
  std::atomic<uint32_t> phase_{0};
  std::atomic<bool> stopping_{false};
  Task task_ = nullptr;
  void* data_ = nullptr;
  uint32_t regions_ = 0;
  std::vector<std::thread> workers_;
};

// The pool of this process. A child has its parent's memory and none of its threads, so it makes a pool of
// its own.
class Owner {
 public:
  Owner() {
    pthread_atfork(nullptr, nullptr, [] {
      current.store(new Pool);
      self = {};
    });
    current.store(new Pool);
  }
  // At the end, and when a library that holds Kiln is unloaded, no thread may be left in its code. The pool
  // itself stays for what runs later still.
  ~Owner() { current.load()->stop(); }

  static inline std::atomic<Pool*> current;
};

Pool& current() {
  static Owner owner;
  return *Owner::current.load(std::memory_order_relaxed);
}

}  // namespace

void run(int count, Task task, void* data, Busy busy) {
  constexpr int kMost = UINT16_MAX;
  if (count > 1 && count <= kMost && !self.inside) {
    Pool& pool = current();
    std::unique_lock turn(pool.turn, std::defer_lock);
    if (busy == Busy::run_alone)
      turn.try_lock();
    else
      turn.lock();
    if (turn.owns_lock()) return pool.run(count, task, data);
  }
  for (int i = 0; i < count; ++i) {
    const As scope({i, count, self.inside || count > 1});
    task(data);
  }
}

int member() { return self.id; }
int members() { return self.count; }
bool inside() { return self.inside; }

void barrier() {
  if (self.count > 1) Owner::current.load()->barrier();
}

}  // namespace kiln::kernels::pool
