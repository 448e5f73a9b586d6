#pragma once

// Internal: the bytes of a tensor on their way to a file or a checksum.

#include <algorithm>
#include <cstring>
#include <vector>

#include <kiln/tensor/dtype/element.h>
#include <kiln/tensor/tensor.h>

namespace kiln::io {

inline constexpr int64_t kPiece = 1 << 20;  // bytes that stay in the cache between two looks at them

// Calls f(data, bytes) for the elements in row-major order, in pieces. The tensor is on the CPU.
template <class F>
void each_piece(const Tensor& x, F&& f) {
  const auto* data = static_cast<const char*>(x.raw_data());
  const int64_t width = size_of(x.dtype()), bytes = x.numel() * width;
  if (x.is_contiguous()) {
    for (int64_t at = 0; at < bytes; at += kPiece) f(data + at, std::min(kPiece, bytes - at));
    return;
  }
  std::vector<char> piece(size_t(std::min(kPiece, bytes)));
  int64_t filled = 0;
  for_each_offset(x.layout(), [&](int64_t offset) {
    std::memcpy(piece.data() + filled, data + offset * width, size_t(width));
    filled += width;
    if (filled < int64_t(piece.size())) return;
    f(piece.data(), filled);
    filled = 0;
  });
  if (filled > 0) f(piece.data(), filled);
}

}  // namespace kiln::io
