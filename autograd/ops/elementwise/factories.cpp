#include <cmath>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/kernels/elementwise/fill.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using autograd::Op;

namespace {

Tensor filled(const char* name, Tensor x, const Scalar& value, bool requires_grad = false) {
  Op op(name);
  op.attribute("value", value);
  check_fits(name, value, x.dtype());
  on(x.device(), [&](auto& ctx) { kernels::fill(ctx, value, x); });
  if (requires_grad) x.requires_grad_();
  return op.result(x);
}

void check_floating(const char* op, DType dtype) {
  if (!is_floating(dtype)) fail("{}: needs a floating-point dtype, got {}", op, dtype);
}

// The number of values from start in steps before end.
int64_t count_of(const Scalar& start, const Scalar& end, const Scalar& step, bool integral) {
  const double by = step.real();
  if (by == 0 || std::isnan(by)) fail("arange: step must not be {}", by);
  const double distance = end.real() - start.real();
  if (!std::isfinite(distance)) fail("arange: {} .. {} is not a finite range", start.real(), end.real());
  if (distance != 0 && (distance > 0) != (by > 0))
    fail("arange: step {} leads away from {} when starting at {}", by, end.real(), start.real());
  if (integral) {
    const int64_t whole = step.integer();
    int64_t reach = 0;
    if (__builtin_sub_overflow(end.integer(), start.integer(), &reach) || reach == INT64_MIN)
      fail("arange: {} .. {} has too many elements", start.integer(), end.integer());
    if (whole == 0) fail("arange: step {} is 0 as an integer; ask for a floating-point dtype", by);
    return reach / whole + (reach % whole != 0);
  }
  const double count = std::ceil(distance / by);
  if (count > 1e15)
    fail("arange: {} .. {} in steps of {} has too many elements", start.real(), end.real(), by);
  return int64_t(count);
}

}  // namespace

TensorOptions like(const Tensor& x) {
  if (!x.defined()) fail("like: x is an undefined tensor");
  return {.dtype = x.dtype(), .device = x.device()};
}

Tensor empty_like(const Tensor& x) {
  if (!x.defined()) fail("empty_like: x is an undefined tensor");
  return empty_dense(dense_like(x.layout()), x.dtype(), x.device());
}

Tensor full(const Shape& shape, const Scalar& value, const TensorOptions& options) {
  return filled("full", empty(shape, options), value, options.requires_grad);
}
Tensor full(const Shape& shape, const Scalar& value) { return full(shape, value, {.dtype = value.dtype()}); }
Tensor zeros(const Shape& shape, const TensorOptions& options) { return full(shape, 0, options); }
Tensor ones(const Shape& shape, const TensorOptions& options) { return full(shape, 1, options); }
Tensor zeros_like(const Tensor& x) { return filled("zeros_like", empty_like(x), 0); }
Tensor ones_like(const Tensor& x) { return filled("ones_like", empty_like(x), 1); }
Tensor full_like(const Tensor& x, const Scalar& value) { return filled("full_like", empty_like(x), value); }

Tensor arange(const Scalar& end) { return arange(0, end); }

Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step) {
  const bool real = is_floating(start.dtype()) || is_floating(end.dtype()) || is_floating(step.dtype());
  return arange(start, end, step, {.dtype = real ? float32 : int64});
}

Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, const TensorOptions& options) {
  Op op("arange");
  op.attribute("start", start);
  op.attribute("end", end);
  op.attribute("step", step);
  if (options.dtype == bool8 || is_storage_only(options.dtype))
    fail("arange: {} tensors cannot count", options.dtype);
  const bool integral = is_integral(options.dtype);
  const int64_t count = count_of(start, end, step, integral);
  if (count > 0) {
    check_fits("arange", start, options.dtype);
    if (integral)
      check_fits("arange", start.integer() + (count - 1) * step.integer(), options.dtype);
    else
      check_fits("arange", start.real() + double(count - 1) * step.real(), options.dtype);
  }
  const Tensor x = empty({count}, options);
  on(x.device(), [&](auto& ctx) { kernels::arange(ctx, start, step, x); });
  if (options.requires_grad) x.requires_grad_();
  return op.result(x);
}

Tensor linspace(double start, double end, int64_t steps, const TensorOptions& options) {
  Op op("linspace");
  op.attribute("start", start);
  op.attribute("end", end);
  check_floating("linspace", options.dtype);
  if (steps < 0) fail("linspace: steps must not be negative, got {}", steps);
  const Tensor x = empty({steps}, options);
  on(x.device(), [&](auto& ctx) { kernels::linspace(ctx, start, end, x); });
  if (options.requires_grad) x.requires_grad_();
  return op.result(x);
}

Tensor eye(int64_t rows, int64_t columns, const TensorOptions& options) {
  Op op("eye");
  if (columns == -1) columns = rows;
  if (rows < 0 || columns < 0) fail("eye: sizes must not be negative, got {} and {}", rows, columns);
  TensorOptions plain = options;
  plain.requires_grad = false;
  const Tensor x = zeros({rows, columns}, plain);
  if (x.numel() != 0) filled("fill_", alias(x, {{std::min(rows, columns)}, {columns + 1}, 0}), 1);
  if (options.requires_grad) x.requires_grad_();
  return op.result(x);
}

}  // namespace kiln
