#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/kernels/matmul/gemm.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using namespace autograd;

namespace {

void check(const Tensor& a, const Tensor& b) {
  if (a.dim() == 0 || b.dim() == 0)
    fail("matmul: both operands need at least one dimension (a {}, b {}); use mul for scalars", a.shape(),
         b.shape());
  const int64_t columns = a.shape().back(), rows = b.shape()[b.dim() == 1 ? 0 : b.dim() - 2];
  if (columns != rows)
    fail("matmul: a has {} columns, b has {} rows (a {}, b {})", columns, rows, a.shape(), b.shape());
}

// Batch dimensions in front of a matrix.
Shape batch_of(const Tensor& x) {
  Shape shape = x.shape();
  shape.erase(x.dim() - 1);
  shape.erase(x.dim() - 2);
  return shape;
}

Shape with_matrix(Shape batch, int64_t rows, int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}

// x, repeated over `batch`, as [count, rows, columns]: a view with one batch stride where strides allow.
Tensor with_one_batch(const Tensor& x, const Shape& batch, int64_t count) {
  const int64_t rows = x.shape()[x.dim() - 2], columns = x.shape().back();
  return x.dim() == 2 ? expand(x, {count, rows, columns})
                      : reshape(expand(x, with_matrix(batch, rows, columns)), {count, rows, columns});
}

Tensor matrix_product(const Tensor& a, const Tensor& b) {
  const int64_t m = a.shape()[0], n = b.shape()[1];
  const Tensor y = empty({m, n}, like(a));
  kernels::GemmGeometry g;
  g.m = m;
  g.n = n;
  g.k = a.shape()[1];
  g.a = {a.strides()[0], a.strides()[1]};
  g.b = {b.strides()[0], b.strides()[1]};
  g.c = {n, 1};
  on(a.device(), [&](auto& ctx) { kernels::gemm(ctx, g, a, b, Tensor(), y); });
  return y;
}

// The product of operands of rank 2 or more.
Tensor product(const Tensor& a, const Tensor& b) {
  if (a.dim() == 2 && b.dim() == 2) return matrix_product(a, b);
  const int64_t m = a.shape()[a.dim() - 2], k = a.shape().back(), n = b.shape().back();
  if (b.dim() == 2) {  // one tall matrix
    const Shape batch = batch_of(a);
    return reshape(matrix_product(reshape(a, {numel(batch) * m, k}), b), with_matrix(batch, m, n));
  }
  const Shape batch = broadcast_shapes("matmul", batch_of(a), batch_of(b));
  const int64_t count = numel(batch);
  const Tensor x = with_one_batch(a, batch, count), y = with_one_batch(b, batch, count);
  const Tensor c = empty(with_matrix(batch, m, n), like(a));
  kernels::GemmGeometry g;
  g.batch = count;
  g.m = m;
  g.n = n;
  g.k = k;
  g.a = {x.strides()[1], x.strides()[2], x.strides()[0]};
  g.b = {y.strides()[1], y.strides()[2], y.strides()[0]};
  g.c = {n, 1, m * n};
  on(a.device(), [&](auto& ctx) { kernels::gemm(ctx, g, x, y, Tensor(), c); });
  return c;
}

// The gradient of b [k, n] when a has a batch: all rows of the batch at once, instead of a sum of products.
Tensor tall_gradient(const Tensor& a, const Tensor& g) {
  const int64_t rows = numel(batch_of(a)) * a.shape()[a.dim() - 2];
  return matmul(reshape(a, {rows, a.shape().back()}).t(), reshape(g, {rows, g.shape().back()}));
}

}  // namespace

Tensor matmul(const Tensor& left, const Tensor& right) {
  Op op("matmul");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  op.need_one_type();
  check(a, b);
  const bool a_vector = a.dim() == 1, b_vector = b.dim() == 1;
  if (a_vector || b_vector) {
    Tensor y = matmul(a_vector ? unsqueeze(a, 0) : a, b_vector ? unsqueeze(b, 1) : b);
    if (b_vector) y = squeeze(y, -1);
    if (a_vector) y = squeeze(y, b_vector ? -1 : -2);
    return op.result(y);
  }
  const Tensor y = [&] {
    const NoGrad no_grad;
    return product(a, b);
  }();
  return op.record(y, [a = Saved(a), b = Saved(b)](const Tensor& g, Wanted wanted) {
    const Tensor x = a.get(), w = b.get();
    return gradients(
        wanted, [&] { return sum_to(matmul(g, transpose(w, -2, -1)), x.shape(), x.dtype()); },
        [&] {
          if (w.dim() == 2 && x.dim() > 2) return tall_gradient(x, g);
          return sum_to(matmul(transpose(x, -2, -1), g), w.shape(), w.dtype());
        });
  });
}

}  // namespace kiln
