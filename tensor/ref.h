#pragma once

#include <atomic>
#include <utility>

namespace kiln {

// The count that Ref shares. T::destroy(T*) runs when the last Ref goes.
struct RefCounted {
  mutable std::atomic<int> refs{0};
};

// A shared pointer of one word whose count lives in the object.
template <class T>
class Ref {
 public:
  constexpr Ref() = default;
  constexpr Ref(std::nullptr_t) {}
  explicit Ref(T* pointer) : pointer_(pointer) { retain(); }
  Ref(const Ref& other) : pointer_(other.pointer_) { retain(); }
  Ref(Ref&& other) noexcept : pointer_(std::exchange(other.pointer_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(pointer_, other.pointer_);
    return *this;
  }
  ~Ref() { release(); }

  T* get() const { return pointer_; }
  T* operator->() const { return pointer_; }
  T& operator*() const { return *pointer_; }
  explicit operator bool() const { return pointer_ != nullptr; }
  bool operator==(const Ref&) const = default;

 private:
  void retain() {
    if (pointer_ != nullptr) pointer_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  void release() {
    if (pointer_ != nullptr && pointer_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1)
      T::destroy(pointer_);
  }

  T* pointer_ = nullptr;
};

}  // namespace kiln
