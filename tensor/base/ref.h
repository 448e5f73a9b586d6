#pragma once

#include <utility>

namespace kiln {

namespace autograd {
struct Node;
}

// The count that Ref shares, from any thread. T::destroy(T*) runs when the last Ref goes. With the compiler's
// atomics, because <atomic> is a tenth of what <kiln/kiln.h> would cost to compile.
class RefCounted {
 public:
  // The handles there are; another thread may change it meanwhile.
  int handles() const { return __atomic_load_n(&handles_, __ATOMIC_RELAXED); }

 private:
  template <class T>
  friend class Ref;
  friend struct autograd::Node;
  void add_handle() const { __atomic_add_fetch(&handles_, 1, __ATOMIC_RELAXED); }
  // The first handle of a new object, which no other thread knows, needs no atomic step, nor does the last
  // one: a tensor that one thread makes and drops has none.
  void add_first_handle() const {
    if (handles() == 0)
      __atomic_store_n(&handles_, 1, __ATOMIC_RELAXED);
    else
      add_handle();
  }
  // True when that was the last.
  bool drop_handle() const {
    return __atomic_load_n(&handles_, __ATOMIC_ACQUIRE) == 1 ||
           __atomic_sub_fetch(&handles_, 1, __ATOMIC_ACQ_REL) == 0;
  }

  mutable int handles_ = 0;
};

// A shared pointer of one word. The count is in the object, or where T::add_first_handle, add_handle and
// drop_handle keep it.
template <class T>
class Ref {
 public:
  constexpr Ref() = default;
  constexpr Ref(std::nullptr_t) {}
  explicit Ref(T* pointer) : pointer_(pointer) {
    if (pointer_ != nullptr) pointer_->add_first_handle();
  }
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
    if (pointer_ != nullptr) pointer_->add_handle();
  }
  void release() {
    if (pointer_ != nullptr && pointer_->drop_handle()) T::destroy(pointer_);
  }

  T* pointer_ = nullptr;
};

}  // namespace kiln
