#include <algorithm>
#include <cmath>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/record.h>
#include <kiln/kernels/elementwise/compare.h>
#include <kiln/tensor/fail.h>

namespace kiln {
namespace {

using autograd::gradients;
using autograd::record;
using autograd::Saved;
using autograd::Wanted;

void check_condition(const char* op, const char* name, const Tensor& condition) {
  check_defined(op, condition, name);
  if (condition.dtype() != bool8)
    fail("{}: {} must be a bool tensor, got {}; compare it first", op, name, condition.dtype());
}

// The value as x's type holds it.
void check_value(const char* op, const Tensor& x, const Scalar& value) {
  if (is_storage_only(x.dtype())) fail("{}: {} is storage only", op, x.dtype());
  if (!x.is_floating_point() && is_floating(value.dtype()) &&
      (!std::isfinite(value.real()) || std::trunc(value.real()) != value.real()))
    fail("{}: value {} cannot be stored in {}", op, value.real(), x.dtype());
}

void choose(const Tensor& condition, const kernels::Operand& a, const kernels::Operand& b, const Tensor& y) {
  on(y.device(), [&](auto& ctx) { kernels::where(ctx, condition, a, b, y); });
}

}  // namespace

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check_condition("where", "condition", condition);
  check_pair("where", a, b);
  check_pair("where", condition, a);
  const DType type = result_type("where", a, b);
  Layout layout = result_layout("where", a, b);
  if (condition.shape() != layout.shape) {
    const Shape shape = broadcast_shapes("where", condition.shape(), layout.shape);
    if (shape != layout.shape)
      layout = shape == condition.shape() ? dense_like(condition.layout()) : Layout::contiguous(shape);
  }
  const Tensor y = empty_dense(layout, type, a.device());
  choose(condition, a, b, y);
  if (!autograd::detail::wants_record({a, b})) return y;
  return record("where", {a, b}, y,
                [condition = Saved(condition), a = a.shape(), b = b.shape(), a_type = a.dtype(),
                 b_type = b.dtype()](const Tensor& g, Wanted wanted) {
                  const Tensor mask = condition.get(), zero = zeros({}, like(g));
                  return gradients(
                      wanted, [&] { return sum_to(where(mask, g, zero), a, a_type); },
                      [&] { return sum_to(where(mask, zero, g), b, b_type); });
                });
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Scalar& value) {
  check_condition("masked_fill", "mask", mask);
  check_pair("masked_fill", x, mask);
  check_value("masked_fill", x, value);
  const Tensor y = empty_dense(result_layout("masked_fill", x, mask), x.dtype(), x.device());
  choose(mask, value, x, y);
  if (!autograd::detail::wants_record({x})) return y;
  return record("masked_fill", {x}, y, [mask = Saved(mask), to = x.shape()](const Tensor& g) {
    return sum_to(masked_fill(g, mask.get(), 0), to, g.dtype());
  });
}

const Tensor& Tensor::masked_fill_(const Tensor& mask, const Scalar& value) const {
  check_condition("masked_fill_", "mask", mask);
  check_pair("masked_fill_", *this, mask);
  check_value("masked_fill_", *this, value);
  check_in_place_result("masked_fill_", *this, dtype(),
                        broadcast_shapes("masked_fill_", shape(), mask.shape()));
  const Tensor kept = overlap(*this, mask) ? mask.clone() : mask;
  autograd::begin_in_place("masked_fill_", *this);
  choose(kept, value, *this, *this);
  if (autograd::detail::wants_record({*this}))
    autograd::record_in_place("masked_fill_", *this, {*this}, [mask = Saved(kept)](const Tensor& g) {
      return masked_fill(g, mask.get(), 0);
    });
  return *this;
}

namespace {

// An absent limit is the end of the type's range.
struct Limits {
  Scalar low, high;
  DType type;
};

Limits limits_of(const char* op, const Tensor& x, std::optional<Scalar> low, std::optional<Scalar> high) {
  check_defined(op, x);
  if (!low && !high) fail("{}: needs a lower or an upper limit", op);
  if (x.dtype() == bool8) fail("{}: bool tensors are not supported", op);
  DType type = x.dtype();
  for (const auto& limit : {low, high})
    if (limit) type = is_floating(type) ? type : result_type(op, x, *limit) == type ? type : float32;
  if (is_floating(type)) return {low.value_or(-INFINITY), high.value_or(INFINITY), type};
  const int bits = int(8 * size_of(type));
  const int64_t most = type == uint8 ? 255 : int64_t((uint64_t(1) << (bits - 1)) - 1);
  const int64_t least = type == uint8 ? 0 : -most - 1;
  // A limit outside the range is met, or missed, by every value.
  const auto clip = [&](const Scalar& limit) { return std::clamp(limit.integer(), least, most); };
  return {low ? clip(*low) : least, high ? clip(*high) : most, type};
}

// 1 where x passed through.
Tensor passed(const Tensor& x, const Limits& limits) {
  const Tensor value = x.detach();
  return logical_and(ge(value, limits.low), le(value, limits.high));
}

}  // namespace

Tensor clamp(const Tensor& x, std::optional<Scalar> low, std::optional<Scalar> high) {
  const Limits limits = limits_of("clamp", x, low, high);
  if (is_storage_only(x.dtype())) fail("clamp: {} is storage only", x.dtype());
  const Tensor y = empty_dense(dense_like(x.layout()), limits.type, x.device());
  on(x.device(), [&](auto& ctx) { kernels::clamp(ctx, limits.type, x, limits.low, limits.high, y); });
  if (!autograd::detail::wants_record({x})) return y;
  return record("clamp", {x}, y, [x = Saved(x), limits](const Tensor& g) {
    return where(passed(x.get(), limits), g, zeros({}, like(g)));
  });
}

const Tensor& Tensor::clamp_(const Scalar& low, const Scalar& high) const {
  const Limits limits = limits_of("clamp_", *this, low, high);
  check_in_place_result("clamp_", *this, limits.type, shape());
  const bool recorded = autograd::detail::wants_record({*this});
  const Tensor mask = recorded ? passed(*this, limits) : Tensor();
  autograd::begin_in_place("clamp_", *this);
  on(device(), [&](auto& ctx) { kernels::clamp(ctx, limits.type, *this, limits.low, limits.high, *this); });
  if (recorded)
    autograd::record_in_place("clamp_", *this, {*this}, [mask = Saved(mask)](const Tensor& g) {
      return where(mask.get(), g, zeros({}, like(g)));
    });
  return *this;
}

}  // namespace kiln
