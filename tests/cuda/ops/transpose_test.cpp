#include <kiln/kernels/elementwise/copy.h>

#include <doctest/doctest.h>

#include <cstring>

#include "../both.h"

using namespace kiln;
using test::bits_equal, test::run_on_both;

namespace {

Tensor patterned(const Shape& shape, const TensorOptions& options) {
  const Tensor x = empty(shape, options);
  auto* bytes = static_cast<unsigned char*>(x.raw_data());
  for (int64_t i = 0; i < x.impl()->storage->bytes; ++i) bytes[i] = static_cast<unsigned char>(i * 31 % 251);
  return x;
}

Tensor view(const Tensor& x, const Layout& layout) {
  return from_storage(x.impl()->storage, x.dtype(), layout);
}

void check_copy(const Tensor& x, const Tensor& y) {
  const Tensors gpu =
      run_on_both({x, y}, [](auto& ctx, const Tensors& t) { kernels::copy(ctx, t[0], t[1]); });
  REQUIRE(bits_equal(gpu[1], y));
  REQUIRE(bits_equal(gpu[0], x));
}

}  // namespace

TEST_CASE("copy on the device changes the memory format by tiles") {
  const Shape shapes[] = {{2, 3, 8, 9}, {1, 64, 7, 7}, {2, 33, 40, 1}, {3, 8, 32, 33}, {2, 100, 9, 17}};
  for (const DType dtype : {float32, float64, bfloat16, uint8, DType::complex128}) {
    for (const Shape& shape : shapes) {
      CAPTURE(int(dtype));
      CAPTURE(to_string(shape));
      const TensorOptions nchw{.dtype = dtype},
          nhwc{.dtype = dtype, .memory_format = MemoryFormat::channels_last};
      const Tensor x = patterned(shape, nchw), last = patterned(shape, nhwc);
      check_copy(x, last);
      check_copy(last, patterned(shape, nchw));
      const Tensor padded = patterned({shape[0], shape[1] + 2, shape[2], shape[3] + 3}, nchw);
      check_copy(last, view(padded, padded.layout().narrow(1, 1, shape[1]).narrow(3, 2, shape[3])));
    }
  }
}

TEST_CASE("copy on the device transposes matrices, in batches and cut out of larger ones") {
  const Tensor x = patterned({3, 70, 45}, {});
  check_copy(view(x, x.layout().transpose(1, 2)), patterned({3, 45, 70}, {}));
  check_copy(view(x, x.layout().transpose(0, 2)), patterned({45, 70, 3}, {}));
  check_copy(view(x, x.layout().narrow(1, 3, 33).narrow(2, 5, 32).transpose(1, 2)),
             patterned({3, 32, 33}, {}));
  check_copy(view(x, x.layout().select(0, 1).transpose(0, 1).expand({4, 45, 70})),
             patterned({4, 45, 70}, {}));
}
