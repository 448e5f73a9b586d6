#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace kiln {

// Sole owner of an object, like std::unique_ptr, for headers that users include: <memory> brings <ostream>
// along, and that half of what <kiln/kiln.h> would cost to compile.
template <class T>
class Box {
 public:
  constexpr Box() = default;
  constexpr Box(std::nullptr_t) {}
  explicit Box(T* object) : object_(object) {}
  template <class U>
  requires std::is_convertible_v<U*, T*> Box(Box<U>&& other)
  noexcept : object_(other.release()) {}
  Box(Box&& other) noexcept : object_(other.release()) {}
  Box& operator=(Box other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Box() { delete object_; }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(std::nullptr_t) const { return object_ == nullptr; }
  T* release() { return std::exchange(object_, nullptr); }
  void reset() { Box().swap(*this); }
  void swap(Box& other) noexcept { std::swap(object_, other.object_); }

 private:
  T* object_ = nullptr;
};

template <class T, class... Args>
Box<T> make_box(Args&&... args) {
  return Box<T>(new T(std::forward<Args>(args)...));
}

}  // namespace kiln
