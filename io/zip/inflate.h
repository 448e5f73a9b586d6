#pragma once

#include <cstdint>

#include <kiln/tensor/base/function.h>

namespace kiln::io {

// Internal: inflates `stored` bytes, which read(at, bytes, out) gives in pieces, to `size` bytes. They are
// put into the window, and put(data, bytes) is called when it is full and at the end; a window of `size`
// bytes gets all of them. When it returns false there is enough, and the rest is not looked at. False when
// the bytes are no deflated ones of that size (RFC 1951). Throws when there is no memory, and what the two
// throw.
struct Window {
  char* data;
  int64_t bytes;
};
bool inflate(int64_t stored, int64_t size, Window window,
             const Function<void(int64_t at, int64_t bytes, void* out)>& read,
             const Function<bool(const char* data, int64_t bytes)>& put);

}  // namespace kiln::io
