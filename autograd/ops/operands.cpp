#include <kiln/autograd/ops/operands.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <optional>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/tensor/base/bytes_of.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

void refuse_bool_difference(const char* op, const Tensor& x) {
  if (x.defined() && x.dtype() == bool8)
    fail("{}: bool tensors cannot be subtracted; use ne (exclusive or) or logical_not", op);
}

namespace {

// The types of operands with dimensions, of 0-dim tensors and of numbers, each promoted among themselves.
struct Types {
  std::optional<DType> dims, zero_dim, number;
};

std::optional<DType> join(std::optional<DType> a, std::optional<DType> b) {
  if (!a || !b) return a ? a : b;
  return promote_types(*a, *b);
}

std::optional<DType> prefer(std::optional<DType> higher, std::optional<DType> lower) {
  if (!higher || !lower) return higher ? higher : lower;
  if (is_floating(*higher)) return higher;
  if (*higher == bool8 || is_floating(*lower)) return promote_types(*higher, *lower);
  return higher;
}

void add_tensor(const char* op, Types& types, const Tensor& x) {
  if (is_storage_only(x.dtype())) fail("{}: {} is storage only; convert it when it is loaded", op, x.dtype());
  auto& slot = x.dim() == 0 ? types.zero_dim : types.dims;
  slot = join(slot, x.dtype());
}

DType combined(const Types& types) { return *prefer(types.dims, prefer(types.zero_dim, types.number)); }

int category(DType dtype) { return is_floating(dtype) ? 2 : dtype == bool8 ? 0 : 1; }

}  // namespace

DType result_type(const char* op, const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype() && !is_storage_only(a.dtype())) return a.dtype();
  Types types;
  add_tensor(op, types, a);
  add_tensor(op, types, b);
  return combined(types);
}

DType result_type(const char* op, const Tensor& a, const Scalar& b) {
  Types types;
  add_tensor(op, types, a);
  types.number = b.dtype();
  return combined(types);
}

Layout result_layout(const char* op, const Tensor& a, const Tensor& b) {
  if (a.shape() == b.shape()) {
    const Layout layout = dense_like(a.layout());
    return layout.strides == a.strides() || !b.layout().is_dense() ? layout : dense_like(b.layout());
  }
  const Shape shape = broadcast_shapes(op, a.shape(), b.shape());
  if (shape == a.shape()) return dense_like(a.layout());
  if (shape == b.shape()) return dense_like(b.layout());
  return Layout::contiguous(shape);
}

void check_in_place_result(const char* op, const Tensor& x, DType result, const Shape& shape) {
  if (shape != x.shape())
    fail("{}: the result has shape {}, which x {} cannot hold; use the out-of-place form", op, shape,
         x.shape());
  if (category(result) > category(x.dtype()))
    fail("{}: result type {} can't be cast to {}; convert x with .to({}) first", op, result, x.dtype(),
         result);
}

Range range_of(DType dtype) {
  if (dtype == bool8) return {0, 1};
  if (dtype == uint8) return {0, 255};
  const int64_t most = int64_t((uint64_t(1) << (8 * size_of(dtype) - 1)) - 1);
  return {-most - 1, most};
}

namespace {

double largest_of(DType dtype) {
  return dtype == float16 ? 65504.0 : dtype == bfloat16 ? 0x1.fep127 : dtype == float32 ? FLT_MAX : DBL_MAX;
}

}  // namespace

void check_fits(const char* op, const Scalar& value, DType dtype) {
  const double real = value.real();
  if (is_floating(dtype)) {
    if (std::isfinite(real) && std::abs(real) > largest_of(dtype))
      fail("{}: value {} cannot be stored in {}, whose largest number is {}", op, real, dtype,
           largest_of(dtype));
    return;
  }
  if (dtype == bool8) return;  // as in C++, everything but 0 is true
  if (!std::isfinite(real)) fail("{}: value {} cannot be stored in {}", op, real, dtype);
  const Range range = range_of(dtype);
  const bool beyond =
      is_floating(value.dtype())
          ? real < double(range.least) || real > double(range.most) || (dtype == int64 && real >= 0x1p63)
          : value.integer() < range.least || value.integer() > range.most;
  if (beyond)
    fail("{}: value {} cannot be stored in {}, which holds {} .. {}", op,
         is_floating(value.dtype()) ? fmt::format("{}", real) : fmt::format("{}", value.integer()), dtype,
         range.least, range.most);
}

bool overlap(const Tensor& a, const Tensor& b) {
  if (!a.shares_storage(b)) return false;
  const auto first = [](const Tensor& x) { return x.layout().offset * size_of(x.dtype()); };
  const auto last = [&](const Tensor& x) { return first(x) + x.layout().span() * size_of(x.dtype()); };
  return first(a) < last(b) && first(b) < last(a);
}

Tensor empty_dense(const Layout& layout, DType dtype, Device device) {
  Ref<TensorImpl> impl(new TensorImpl);
  impl->layout = layout;
  impl->layout.offset = 0;
  impl->dtype = dtype;
  impl->storage = Storage::allocate(bytes_of(layout.shape, dtype), device);
  return Tensor(std::move(impl));
}

Layout dense_like(const Layout& x) {
  if (x.is_contiguous()) return Layout::contiguous(x.shape);
  if (x.is_dense()) return {x.shape, x.strides, 0};
  const int rank = x.rank();
  int order[kMaxRank];
  for (int i = 0; i < rank; ++i) {
    if (x.strides[i] == 0 && x.shape[i] > 1) return Layout::contiguous(x.shape);
    order[i] = i;
  }
  std::stable_sort(order, order + rank, [&](int a, int b) { return x.strides[a] > x.strides[b]; });
  Layout result{x.shape, x.strides, 0};
  int64_t step = 1;
  for (int i = rank - 1; i >= 0; --i) {
    result.strides[order[i]] = step;
    step *= x.shape[order[i]];
  }
  return result;
}

Tensor alias(const Tensor& x, const Layout& layout) {
  Ref<TensorImpl> impl(new TensorImpl);
  impl->layout = layout;
  impl->dtype = x.dtype();
  impl->storage = x.impl()->storage;
  return Tensor(std::move(impl));
}

Tensor converted(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Tensor y = empty_dense(dense_like(x.layout()), dtype, x.device());
  on(x.device(), [&](auto& ctx) { kernels::copy(ctx, x, y); });
  return y;
}

Tensor dense(const Tensor& x) {
  if (!x.defined()) return x;
  const NoGrad no_grad;
  return contiguous(x);
}

Tensor laid_out(const Tensor& x, const Layout& layout) {
  if (x.strides() == layout.strides || (x.is_contiguous() && layout.is_contiguous())) return x;
  Tensor y = empty_dense({layout.shape, layout.strides, 0}, x.dtype(), x.device());
  on(x.device(), [&](auto& ctx) { kernels::copy(ctx, x, y); });
  return y;
}

Tensor number_like(const Scalar& value, const Tensor& x) {
  return full({}, value, {.dtype = value.dtype(), .device = like(x).device});
}

DType wide_type(const Tensor& x) { return x.dtype() == float64 ? float64 : float32; }

Tensor Origin::operator()(const Tensor& g) const { return sum_to(g, shape, dtype); }

bool partly_overlap(const Tensor& a, const Tensor& b) {
  if (!overlap(a, b)) return false;
  return a.dtype() != b.dtype() || a.layout().offset != b.layout().offset || a.shape() != b.shape() ||
         a.strides() != b.strides();
}

}  // namespace kiln
