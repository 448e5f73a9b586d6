#include <kiln/autograd/ops/operands.h>

#include <algorithm>
#include <optional>

#include <kiln/kernels/elementwise/copy.h>
#include <kiln/tensor/fail.h>

namespace kiln {

void check_defined(const char* op, const Tensor& x, const char* name) {
  if (!x.defined()) fail("{}: {} is an undefined tensor", op, name);
}

void check_floating(const char* op, const Tensor& x, const char* name) {
  check_defined(op, x, name);
  if (!x.is_floating_point())
    fail("{}: needs floating-point numbers, {} is {}; convert it with .to(float32)", op, name, x.dtype());
}

void refuse_bool_difference(const char* op, const Tensor& x) {
  if (x.defined() && x.dtype() == bool8)
    fail("{}: bool tensors cannot be subtracted; use ne (exclusive or) or logical_not", op);
}

void check_pair(const char* op, const Tensor& a, const Tensor& b) {
  check_defined(op, a, "the first operand");
  check_defined(op, b, "the second operand");
  if (!(a.device() == b.device()))
    fail("{}: operands are on {} and {}; move one with .to(device)", op, a.device(), b.device());
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
  impl->storage = Storage::allocate(layout.numel() * size_of(dtype), device);
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

bool partly_overlap(const Tensor& a, const Tensor& b) {
  if (!overlap(a, b)) return false;
  return a.dtype() != b.dtype() || a.layout().offset != b.layout().offset || a.shape() != b.shape() ||
         a.strides() != b.strides();
}

}  // namespace kiln
