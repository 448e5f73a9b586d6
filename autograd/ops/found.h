#pragma once

#include <optional>

#include <kiln/kernels/index/index.h>
#include <kiln/tensor/device/found.h>

// Internal, for the sources of ops that look for mistakes in their data.

namespace kiln {

// Throws text(), filled in for element `at` of a dense x, which holds int64 or floating numbers.
[[noreturn]] void fail_found(const std::string& text, const Tensor& x, int64_t at, int64_t last);

// Runs find(ctx, late), which gives the place of the first mistake in a dense x, or -1, or on a GPU leaves it
// to the next wait to throw `late`; then throws text() (see tensor/device/found.h), a std::string.
template <class Find, class Text>
void check_found(const Tensor& x, int64_t last, const Find& find, const Text& text) {
  const char* late = x.device().is_cpu() ? nullptr : kept_text(text());
  int64_t at = -1;
  on(x.device(), [&](auto& ctx) { at = find(ctx, late); });
  if (at >= 0) fail_found(text(), x, at, last);
}

// That each index (dense, int64) is in 0 .. size-1 or the ignored one.
template <class Text>
void check_indices(const Tensor& index, int64_t size, std::optional<int64_t> ignored, const Text& text) {
  check_found(
      index, size - 1,
      [&](auto& ctx, const char* late) { return kernels::find_outside(ctx, size, ignored, index, late); },
      text);
}

}  // namespace kiln
