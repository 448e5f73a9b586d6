#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <kiln/tensor/tensor.h>

namespace kiln::tools {

// What holds every number of every dtype, the integers of 64 bits too.
using Number = long double;
// In an element: 2 in a complex one.
int numbers_of(DType dtype);

// The elements of a tensor in row-major order, for one look at them, block by block. Of an outline's tensor
// the data are read; they must be somewhere.
class Elements {
 public:
  explicit Elements(const Tensor& x);

  int64_t size() const { return size_; }
  std::string_view bytes(int64_t begin, int64_t count) const;
  // Two for a complex element.
  const std::vector<Number>& numbers(int64_t begin, int64_t count);

  // f(begin, count) for all of them.
  template <class F>
  void each_block(F&& f) const {
    constexpr int64_t kBlock = 64 << 10;
    for (int64_t begin = 0; begin < size_; begin += kBlock) {
      f(begin, std::min(kBlock, size_ - begin));
      leave(begin, std::min(kBlock, size_ - begin));
    }
  }

  // Of a file that is read piece by piece, they need no memory any more.
  void leave(int64_t begin, int64_t count) const;

 private:
  Tensor tensor_;
  DType dtype_;
  std::string copy_;  // of elements that lie in another order
  const char* data_ = nullptr;
  int64_t size_, width_;
  std::vector<Number> numbers_;
};

}  // namespace kiln::tools
