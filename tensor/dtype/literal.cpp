#include <kiln/tensor/dtype/literal.h>

#include <cmath>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/device/transfer.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln {
namespace detail {
namespace {

// Of the first items, which the others must equal.
void measure(const Literal& values, Shape* shape) {
  for (const Literal* level = &values; level->is_list(); level = level->begin()) {
    shape->push_back(level->size());
    if (level->size() == 0) return;
  }
}

template <class F>
void for_each_number(const Literal& values, const Shape& shape, int level, const F& f) {
  if (!values.is_list()) {
    if (level != shape.rank()) fail("tensor: a number stands where the first rows have a list");
    return f(values.number());
  }
  if (level == shape.rank()) fail("tensor: a list stands where the first rows have a number");
  if (values.size() != shape[level])
    fail("tensor: the rows of a nested list must have equal lengths, got {} and {}", shape[level],
         values.size());
  for (const Literal& item : values) for_each_number(item, shape, level + 1, f);
}

// The default dtype of each number, joined.
DType natural_dtype(const Literal& values, const Shape& shape) {
  if (numel(shape) == 0) return float32;
  DType dtype = bool8;
  for_each_number(values, shape, 0, [&](const Scalar& x) { dtype = promote_types(dtype, x.dtype()); });
  return dtype;
}

template <class T>
T stored(const Scalar& x, DType dtype) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    const double real = is_floating(x.dtype()) ? x.real() : 0;
    const bool is_integer = std::abs(real) < 0x1p63;  // not NaN either
    if (!is_integer || x.integer() < int64_t(std::numeric_limits<T>::min()) ||
        x.integer() > int64_t(std::numeric_limits<T>::max()))
      fail("tensor: {} cannot be stored in {}",
           is_floating(x.dtype()) ? fmt::format("{}", real) : fmt::format("{}", x.integer()), dtype);
    return T(x.integer());
  } else if constexpr (std::is_same_v<T, bool>) {
    return x.to<T>();
  } else {
    const T value = std::is_arithmetic_v<T> ? T(x.real()) : T(float(x.real()));
    if (std::isfinite(x.real()) && !std::isfinite(double(value)))
      fail("tensor: {} cannot be stored in {}", x.real(), dtype);
    return value;
  }
}

}  // namespace

void fail_large_integer(unsigned long long value) { fail("{} is beyond int64", value); }

}  // namespace detail

Tensor tensor(const detail::Literal& values, const LiteralOptions& options) {
  Shape shape;
  detail::measure(values, &shape);
  const DType dtype = options.dtype ? *options.dtype : detail::natural_dtype(values, shape);
  const TensorOptions made{.dtype = dtype, .device = options.device, .requires_grad = options.requires_grad};
  if (is_storage_only(dtype)) fail("tensor: {} is storage only", dtype);
  Tensor x = empty(shape, {.dtype = dtype, .device = cpu});
  visit_element(dtype, "tensor", [&]<class T>() {
    T* out = static_cast<T*>(x.raw_data());
    detail::for_each_number(values, shape, 0,
                            [&](const Scalar& value) { *out++ = detail::stored<T>(value, dtype); });
  });
  if (options.device.is_cpu() && !options.requires_grad) return x;
  const Tensor y = empty(shape, made);
  transfer(y.raw_data(), y.device(), x.raw_data(), cpu, x.nbytes());
  return y;
}

}  // namespace kiln
