#include <algorithm>
#include <cmath>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/kernels/elementwise/compare.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {
namespace {

using autograd::gradients;
using autograd::Kind;
using autograd::Op;
using autograd::Saved;
using autograd::Wanted;

// A fraction in an integer is a mistake here, as in PyTorch.
void check_value(const char* op, const Tensor& x, const Scalar& value) {
  if (!x.is_floating_point() && is_floating(value.dtype()) && std::trunc(value.real()) != value.real())
    fail("{}: value {} cannot be stored in {}", op, value.real(), x.dtype());
  check_fits(op, value, x.dtype());
}

void choose(const Tensor& condition, const kernels::Operand& a, const kernels::Operand& b, const Tensor& y) {
  on(y.device(), [&](auto& ctx) { kernels::where(ctx, condition, a, b, y); });
}

}  // namespace

Tensor where(const Tensor& mask, const Tensor& yes, const Tensor& no) {
  Op op("where");
  const Tensor& condition = op.operand("condition", mask, Kind::mask);
  const Tensor &a = op.operand("a", yes), &b = op.operand("b", no);
  const DType type = result_type("where", a, b);
  Layout layout = result_layout("where", a, b);
  if (condition.shape() != layout.shape) {
    const Shape shape = broadcast_shapes("where", condition.shape(), layout.shape);
    if (shape != layout.shape)
      layout = shape == condition.shape() ? dense_like(condition.layout()) : Layout::contiguous(shape);
  }
  const Tensor y = empty_dense(layout, type, a.device());
  choose(condition, a, b, y);
  if (!op.records()) return op.result(y);
  return op.record(y, [condition = Saved(condition), a = a.shape(), b = b.shape(), a_type = a.dtype(),
                       b_type = b.dtype()](const Tensor& g, Wanted wanted) {
    const Tensor chosen = condition.get(), zero = zeros({}, like(g));
    return gradients(
        wanted, [&] { return sum_to(where(chosen, g, zero), a, a_type); },
        [&] { return sum_to(where(chosen, zero, g), b, b_type); });
  });
}

Tensor where(const Tensor& condition, const Tensor& a, const Scalar& b) {
  return where(condition, a, number_like(b, a));
}
Tensor where(const Tensor& condition, const Scalar& a, const Tensor& b) {
  return where(condition, number_like(a, b), b);
}

Tensor masked_fill(const Tensor& input, const Tensor& condition, const Scalar& value) {
  Op op("masked_fill");
  const Tensor& x = op.operand("x", input);
  const Tensor& mask = op.operand("mask", condition, Kind::mask);
  op.attribute("value", value);
  check_value("masked_fill", x, value);
  const Tensor y = empty_dense(result_layout("masked_fill", x, mask), x.dtype(), x.device());
  choose(mask, value, x, y);
  if (!op.records()) return op.result(y);
  return op.record(y, [mask = Saved(mask), to = x.shape()](const Tensor& g) {
    return sum_to(masked_fill(g, mask.get(), 0), to, g.dtype());
  });
}

const Tensor& Tensor::masked_fill_(const Tensor& condition, const Scalar& value) const {
  Op op("masked_fill_");
  const Tensor& x = op.operand("x", *this);
  const Tensor& mask = op.operand("mask", condition, Kind::mask);
  op.attribute("value", value);
  check_value("masked_fill_", x, value);
  check_in_place_result("masked_fill_", x, x.dtype(),
                        broadcast_shapes("masked_fill_", x.shape(), mask.shape()));
  const Tensor kept = overlap(x, mask) ? mask.clone() : mask;
  op.begin_write();
  choose(kept, value, x, x);
  op.record_write([mask = Saved(kept)](const Tensor& g) { return kiln::masked_fill(g, mask.get(), 0); });
  return *this;
}

namespace {

// An absent limit is the end of the type's range.
struct Limits {
  Scalar low, high;
  DType type;
};

Limits limits_of(const char* op, const Tensor& x, std::optional<Scalar> low, std::optional<Scalar> high) {
  if (!low && !high) fail("{}: needs a lower or an upper limit", op);
  if (x.dtype() == bool8) fail("{}: bool tensors are not supported", op);
  DType type = x.dtype();
  for (const auto& limit : {low, high})
    if (limit) type = is_floating(type) ? type : result_type(op, x, *limit) == type ? type : float32;
  if (is_floating(type)) return {low.value_or(-INFINITY), high.value_or(INFINITY), type};
  const Range range = range_of(type);
  // A limit outside the range is met, or missed, by every value.
  const auto clip = [&](const Scalar& limit) { return std::clamp(limit.integer(), range.least, range.most); };
  return {low ? clip(*low) : range.least, high ? clip(*high) : range.most, type};
}

// 1 where x passed through.
Tensor passed(const Tensor& x, const Limits& limits) {
  const Tensor value = x.detach();
  return logical_and(ge(value, limits.low), le(value, limits.high));
}

}  // namespace

Tensor clamp(const Tensor& input, std::optional<Scalar> low, std::optional<Scalar> high) {
  Op op("clamp");
  const Tensor& x = op.operand("x", input);
  if (low) op.attribute("min", *low);
  if (high) op.attribute("max", *high);
  const Limits limits = limits_of("clamp", x, low, high);
  if (std::isnan(limits.low.real()) || std::isnan(limits.high.real()))
    return op.result(add(to(x, limits.type), NAN));
  const Tensor y = empty_dense(dense_like(x.layout()), limits.type, x.device());
  on(x.device(), [&](auto& ctx) { kernels::clamp(ctx, limits.type, x, limits.low, limits.high, y); });
  if (!op.records()) return op.result(y);
  return op.record(y, [x = Saved(x), limits](const Tensor& g) {
    return where(passed(x.get(), limits), g, zeros({}, like(g)));
  });
}

const Tensor& Tensor::clamp_(std::optional<Scalar> low, std::optional<Scalar> high) const {
  Op op("clamp_");
  const Tensor& x = op.operand("x", *this);
  if (low) op.attribute("min", *low);
  if (high) op.attribute("max", *high);
  const Limits limits = limits_of("clamp_", x, low, high);
  check_in_place_result("clamp_", x, limits.type, x.shape());
  const Tensor mask = op.records() ? passed(x, limits) : Tensor();
  op.begin_write();
  on(x.device(), [&](auto& ctx) { kernels::clamp(ctx, limits.type, x, limits.low, limits.high, x); });
  op.record_write(
      [mask = Saved(mask)](const Tensor& g) { return kiln::where(mask.get(), g, zeros({}, like(g))); });
  return *this;
}

}  // namespace kiln
