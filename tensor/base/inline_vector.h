#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace kiln {

// A vector whose first N elements live inside it: graph nodes have one to four edges, and a heap block each
// would cost more than the arithmetic of a small op.
template <class T, size_t N>
class InlineVector {
 public:
  InlineVector() = default;
  explicit InlineVector(size_t size) {
    for (size_t i = 0; i < size; ++i) push_back(T());
  }
  InlineVector(InlineVector&& other) noexcept { take(other); }
  InlineVector(const InlineVector& other) {
    for (const T& value : other) push_back(value);
  }
  InlineVector& operator=(InlineVector&& other) noexcept {
    if (this == &other) return *this;
    clear();
    take(other);
    return *this;
  }
  InlineVector& operator=(const InlineVector& other) { return *this = InlineVector(other); }
  ~InlineVector() { clear(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

  void push_back(T value) {
    if (size_ == capacity_) grow();
    new (data_ + size_) T(std::move(value));
    ++size_;
  }
  void clear() {
    for (T& value : *this) value.~T();
    if (data_ != inside()) ::operator delete(data_);
    data_ = inside();
    size_ = 0;
    capacity_ = N;
  }

 private:
  T* inside() { return reinterpret_cast<T*>(bytes_); }
  void grow() {
    T* wider = static_cast<T*>(::operator new(2 * capacity_ * sizeof(T)));
    for (size_t i = 0; i < size_; ++i) {
      new (wider + i) T(std::move(data_[i]));
      data_[i].~T();
    }
    if (data_ != inside()) ::operator delete(data_);
    data_ = wider;
    capacity_ *= 2;
  }
  void take(InlineVector& other) {
    if (other.data_ != other.inside()) {
      data_ = std::exchange(other.data_, other.inside());
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, N);
      return;
    }
    for (T& value : other) push_back(std::move(value));
    other.clear();
  }

  alignas(T) std::byte bytes_[N * sizeof(T)];
  T* data_ = inside();
  size_t size_ = 0, capacity_ = N;
};

}  // namespace kiln
