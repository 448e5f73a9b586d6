#pragma once

// Internal, for sources only.

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace kiln::kernels {

// Things that one thread at a time may use: handles of libraries, plans made with them. There are as many as
// were ever used at once, however many threads came and went; the one that came back last is handed out
// first, so a program whose calls do not overlap has one.
template <class T>
class Leases {
 public:
  class Lease {
   public:
    Lease(Leases& home, std::unique_ptr<T> thing) : home_(home), thing_(std::move(thing)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      const std::lock_guard lock(home_.mutex_);
      home_.idle_.push_back(std::move(thing_));
    }
    T* operator->() const { return thing_.get(); }
    T& operator*() const { return *thing_; }

   private:
    Leases& home_;
    std::unique_ptr<T> thing_;
  };

  // Makes one, T(), where all are in use.
  Lease take() {
    std::unique_ptr<T> thing;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        thing = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    return {*this, thing != nullptr ? std::move(thing) : std::make_unique<T>()};
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace kiln::kernels
