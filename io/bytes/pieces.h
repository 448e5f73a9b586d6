#pragma once

// Internal: the bytes of a tensor on their way to a file or a checksum.

#include <algorithm>
#include <cstring>
#include <vector>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/outline.h>
#include <kiln/tensor/dtype/element.h>
#include <kiln/tensor/tensor.h>

namespace kiln::io {

inline constexpr int64_t kPiece = 1 << 20;  // bytes that stay in the cache between two looks at them

inline void leave_if_mapped(const Tensor& x) {
  if (is_mapped_to_read(*x.impl()->storage)) leave(x.raw_data(), x.layout().span() * size_of(x.dtype()));
}

// Calls f(data, bytes) for the elements in row-major order, in pieces. The tensor is on the CPU, or a
// placeholder, whose data are read for it.
template <class F>
void each_piece(const Tensor& tensor, F&& f) {
  const Tensor x = with_data(tensor);
  const bool is_mapped = is_mapped_to_read(*x.impl()->storage);
  const auto* data = static_cast<const char*>(x.raw_data());
  const int64_t width = size_of(x.dtype()), bytes = x.numel() * width;
  if (x.is_contiguous()) {
    for (int64_t at = 0; at < bytes; at += kPiece) {
      const int64_t piece = std::min(kPiece, bytes - at);
      f(data + at, piece);
      if (is_mapped) leave(data + at, piece);
    }
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
  leave_if_mapped(x);
}

}  // namespace kiln::io
