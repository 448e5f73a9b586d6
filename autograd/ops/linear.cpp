#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/autocast.h>
#include <kiln/autograd/record.h>
#include <kiln/kernels/matmul/gemm.h>
#include <kiln/tensor/fail.h>

namespace kiln {

using namespace autograd;

namespace {

void check(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.dim() != 2) fail("linear: weight must be [out, in], got {}", weight.shape());
  if (x.dim() == 0) fail("linear: x must have at least one dimension [..., in]");
  if (x.shape().back() != weight.shape()[1])
    fail("linear: weight expects {} features, x has {} (x {}, weight {})", weight.shape()[1],
         x.shape().back(), x.shape(), weight.shape());
  if (x.dtype() != weight.dtype() || (bias.defined() && bias.dtype() != x.dtype()))
    fail("linear: x is {}, weight {}, bias {}; convert them to one type with .to(dtype)", x.dtype(),
         weight.dtype(), bias.defined() ? name_of(bias.dtype()) : "undefined");
  if (x.device() != weight.device() || (bias.defined() && bias.device() != x.device()))
    fail("linear: x is on {}, weight on {}, bias on {}; move them to one device with .to(device)", x.device(),
         weight.device(), (bias.defined() ? bias : weight).device());
  if (bias.defined() && (bias.dim() != 1 || bias.shape()[0] != weight.shape()[0]))
    fail("linear: bias must be [{}] (weight {}), got {}", weight.shape()[0], weight.shape(), bias.shape());
}

// [..., n] as a matrix [rows, n].
Tensor as_matrix(const Tensor& x) {
  const int64_t columns = x.shape().back();
  int64_t rows = 1;
  for (int i = 0; i + 1 < x.dim(); ++i) rows *= x.shape()[i];
  return x.dim() == 2 ? x : reshape(x, {rows, columns});
}

Tensor product(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const int64_t rows = x.shape()[0], outputs = weight.shape()[0];
  const Tensor y = empty({rows, outputs}, like(x));
  const Strides &a = x.strides(), &b = weight.strides();
  const kernels::GemmGeometry g{1,           rows, outputs, weight.shape()[1], {a[0], a[1]}, {b[1], b[0]},
                                {outputs, 1}};
  on(x.device(), [&](auto& ctx) { kernels::gemm(ctx, g, x, weight, bias, y); });
  return y;
}

Tensor compute(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (x.dim() == 2 && (!bias.defined() || bias.strides()[0] == 1)) return product(x, weight, bias);
  const NoGrad no_grad;
  Shape shape = x.shape();
  shape[x.dim() - 1] = weight.shape()[0];
  const Tensor rows = x.dim() == 1 ? unsqueeze(x, 0) : as_matrix(x);
  return reshape(product(rows, weight, bias.defined() ? contiguous(bias) : bias), shape);
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (autocast_enabled()) return in_low_precision(linear, x, weight, bias);
  check(x, weight, bias);
  const Tensor y = compute(x, weight, bias);
  if (!autograd::detail::wants_record({x, weight, bias})) return y;
  return record(
      "linear", {x, weight, bias}, y, [x = Saved(x), weight = Saved(weight)](const Tensor& g, Wanted wanted) {
        const auto outer = [](const Tensor& v) { return v.dim() == 1 ? unsqueeze(v, 0) : as_matrix(v); };
        return gradients(
            wanted, [&] { return matmul(g, weight.get()); },
            [&] { return matmul(outer(g).t(), outer(x.get())); },
            [&] { return g.dim() == 1 ? g : sum(outer(g), 0); });
      });
}

}  // namespace kiln
