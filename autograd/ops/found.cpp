#include <kiln/autograd/ops/found.h>

#include <bit>

#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

void fail_found(const std::string& text, const Tensor& x, int64_t at, int64_t last) {
  const Tensor element = reshape(x.detach(), {x.numel()})[at];
  const int64_t value =
      x.is_floating_point() ? std::bit_cast<int64_t>(element.item<double>()) : element.item<int64_t>();
  fail("{}", filled(text, value, at, last));
}

}  // namespace kiln
