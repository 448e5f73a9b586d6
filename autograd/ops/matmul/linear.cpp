#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/kernels/matmul/gemm.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using namespace autograd;

namespace {

void check(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (x.shape().back() != weight.shape()[1])
    fail("linear: weight expects {} features, x has {} (x {}, weight {})", weight.shape()[1],
         x.shape().back(), x.shape(), weight.shape());
  if (bias.defined() && bias.shape()[0] != weight.shape()[0])
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

Tensor linear(const Tensor& input, const Tensor& matrix, const Tensor& offset) {
  Op op("linear");
  const Tensor& x = op.operand("x", input, Kind::number, {1, kMaxRank, "[..., in]"});
  const Tensor& weight = op.operand("weight", matrix, Kind::number, {2, 2, "[out, in]"});
  const Tensor& bias = op.optional("bias", offset, Kind::number, {1, 1, "[out]"});
  op.need_one_type();
  check(x, weight, bias);
  const Tensor y = compute(x, weight, bias);
  if (!op.records()) return op.result(y);
  return op.record(y, [x = Saved(x), weight = Saved(weight)](const Tensor& g, Wanted wanted) {
    const auto outer = [](const Tensor& v) { return v.dim() == 1 ? unsqueeze(v, 0) : as_matrix(v); };
    return gradients(
        wanted, [&] { return matmul(g, weight.get()); }, [&] { return matmul(outer(g).t(), outer(x.get())); },
        [&] { return g.dim() == 1 ? g : sum(outer(g), 0); });
  });
}

}  // namespace kiln
