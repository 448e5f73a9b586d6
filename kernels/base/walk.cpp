#include <kiln/kernels/base/walk.h>

#include <algorithm>

namespace kiln::kernels {
namespace {

struct Axis {
  int64_t size;
  int64_t strides[Walk::kOperands];
};

// The operands are dense in the same order, or 0-dim.
bool same_dense(const TensorView* views, int count) {
  const Layout& first = *views[0].layout;
  if (!first.is_contiguous()) return false;
  for (int k = 1; k < count; ++k) {
    const Layout& layout = *views[k].layout;
    if (layout.rank() == 0) continue;
    if (!(layout.shape == first.shape) || !(layout.strides == first.strides || layout.is_contiguous()))
      return false;
  }
  return true;
}

// Whether a should be outside b.
bool is_outer(const Axis& a, const Axis& b, int operands) {
  for (int k = 0; k < operands; ++k)
    if (a.strides[k] != b.strides[k]) return a.strides[k] > b.strides[k];
  return false;
}

}  // namespace

Walk::Walk(const TensorView& first, std::span<const TensorView> others) : operands(1 + int(others.size())) {
  const TensorView none{Tensor()};
  TensorView views[kOperands] = {first, none, none, none};
  std::copy(others.begin(), others.end(), views + 1);
  for (int k = 0; k < operands; ++k) data[k] = static_cast<char*>(views[k].data);
  if (same_dense(views, operands)) {
    run = views[0].numel();
    runs = run == 0 ? 0 : 1;
    for (int k = 0; k < operands; ++k)
      run_strides[k] = k > 0 && views[k].layout->rank() == 0 ? 0 : size_of(views[k].dtype);
    return;
  }
  Axis axes[kMaxRank];
  int count = 0;
  const Shape& shape = views[0].shape();
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] == 1) continue;
    Axis axis{shape[d], {}};
    for (int k = 0; k < operands; ++k) {
      const Layout& layout = *views[k].layout;
      const int own = d - (shape.rank() - layout.rank());
      const bool repeats = own < 0 || layout.shape[own] == 1;
      axis.strides[k] = repeats ? 0 : layout.strides[own] * size_of(views[k].dtype);
    }
    int place = count++;
    for (; place > 0 && is_outer(axis, axes[place - 1], operands); --place) axes[place] = axes[place - 1];
    axes[place] = axis;
  }
  for (int i = count - 1; i > 0; --i) {  // merge axis i into the one outside it
    Axis &outer = axes[i - 1], &inner = axes[i];
    bool dense = true;
    for (int k = 0; k < operands; ++k) dense &= outer.strides[k] == inner.strides[k] * inner.size;
    if (!dense) continue;
    outer.size *= inner.size;
    std::copy(inner.strides, inner.strides + operands, outer.strides);
    std::copy(axes + i + 1, axes + count, axes + i);
    --count;
  }
  const Axis unit{1, {}};
  const Axis& innermost = count == 0 ? unit : axes[count - 1];
  run = innermost.size;
  for (int k = 0; k < operands; ++k) run_strides[k] = innermost.strides[k];
  rank = std::max(0, count - 1);
  for (int d = 0; d < rank; ++d) {
    sizes[d] = axes[d].size;
    runs *= sizes[d];
    for (int k = 0; k < operands; ++k) strides[k][d] = axes[d].strides[k];
  }
  if (run == 0) runs = 0;
}

}  // namespace kiln::kernels
