#include <kiln/models/attention/relative_position.h>

#include <cmath>

#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models {

int64_t relative_positions(Pair window) {
  if (window.h < 1 || window.w < 1)
    fail("relative positions: a window must be at least 1 x 1, got {} x {}", window.h, window.w);
  return mul_sat(sub_sat(mul_sat(2, window.h), 1), sub_sat(mul_sat(2, window.w), 1));
}

Tensor relative_position_index(Pair window) {
  relative_positions(window);
  const int64_t places = mul_sat(window.h, window.w);
  const Tensor index = empty({places, places}, {.dtype = int64, .device = cpu});
  int64_t* out = index.data<int64_t>();
  for (int64_t a = 0; a < places; ++a)
    for (int64_t b = 0; b < places; ++b) {
      const int64_t down = a / window.w - b / window.w + window.h - 1;
      const int64_t right = a % window.w - b % window.w + window.w - 1;
      *out++ = down * (2 * window.w - 1) + right;
    }
  return index.to(factory_device());
}

Tensor relative_position_bias(const Tensor& table, const Tensor& index) {
  const int64_t places = std::llround(std::sqrt(double(index.numel())));
  const Tensor rows = index_select(table, 0, flatten(index));
  return unsqueeze(permute(reshape(rows, {places, places, table.size(1)}), {2, 0, 1}), 0);
}

}  // namespace kiln::nn::models
