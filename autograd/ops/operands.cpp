#include <kiln/autograd/ops/operands.h>

#include <algorithm>

#include <kiln/kernels/copy.h>
#include <kiln/tensor/fail.h>

namespace kiln {

void check_defined(const char* op, const Tensor& x, const char* name) {
  if (!x.defined()) fail("{}: {} is an undefined tensor", op, name);
}

void check_pair(const char* op, const Tensor& a, const Tensor& b) {
  check_defined(op, a, "the first operand");
  check_defined(op, b, "the second operand");
  if (!(a.device() == b.device()))
    fail("{}: operands are on {} and {}; move one with .to(device)", op, a.device(), b.device());
}

Tensor empty_dense(const Layout& layout, DType dtype, Device device) {
  Ref<TensorImpl> impl(new TensorImpl);
  impl->layout = layout;
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
  if (!a.shares_storage(b)) return false;
  if (a.dtype() == b.dtype() && a.layout().offset == b.layout().offset && a.shape() == b.shape() &&
      a.strides() == b.strides())
    return false;
  const auto first = [](const Tensor& x) { return x.layout().offset * size_of(x.dtype()); };
  const auto last = [&](const Tensor& x) { return first(x) + x.layout().span() * size_of(x.dtype()); };
  return first(a) < last(b) && first(b) < last(a);
}

}  // namespace kiln
