#pragma once

// Internal: the pass along a row.

#include <kiln/image/resample/axis.h>

namespace kiln::image {

// Bytes behind a row that the pass may read, whatever they hold, and write.
inline constexpr int64_t kRowSlack = 64;

// Filters rows of pixels whose channels lie side by side.
class RowFilter {
 public:
  // `axis` must live as long as this.
  RowFilter(const Axis& axis, int channels);

  // `in` holds the samples of the source from `in_begin` on.
  void run(const uint8_t* in, int64_t in_begin, uint8_t* out) const;

 private:
  const Axis& axis_;
  int channels_;
  // For processors that multiply 16-bit numbers by pairs; empty for others.
  int64_t groups_ = 0;
  std::vector<int16_t> packed_;
};

}  // namespace kiln::image
