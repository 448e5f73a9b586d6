#pragma once

// Internal: the two passes of a resize over rows of bytes.

#include <kiln/image/resample/row_filter.h>
#include <kiln/tensor/base/function.h>

namespace kiln::image {

// One sample of each column: rows[i] is the source's row axis.first[y] + i.
void filter_column(const uint8_t* const* rows, const int32_t* weights, int count, int64_t bytes,
                   uint8_t* out);

// Rows in their order, each as a pointer that holds until the next call.
using NextRow = Function<const uint8_t*()>;

struct Passes {
  const Axis* across = nullptr;   // null: rows stay as they are
  const Axis* down = nullptr;     // null: all rows
  int64_t in_begin = 0;           // the column that rows begin with
  int64_t width = 0, height = 0;  // of the result
  int channels = 3;
};

// Takes the rows down->source_begin() .. source_end() (or `height` rows) of `next`; gives the result's to
// `put`.
void resample(const Passes& passes, const NextRow& next,
              const Function<void(int64_t y, const uint8_t* row)>& put);

}  // namespace kiln::image
