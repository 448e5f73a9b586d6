#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/index/index.h>

#include <kiln/autograd/indexing/plan.h>
#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

// Writing to x[indices].

namespace kiln {
namespace {

using autograd::gradients;
using autograd::Op;
using autograd::Saved;
using autograd::Wanted;
using indexing::TensorIndex;
using indexing::TensorIndices;

constexpr const char* kName = "index_put_";

// x[..., list[i], ...] = source[..., i, ...] along dim, or += ; each list position is inside.
void write_along(const Tensor& x, int dim, const Tensor& positions, const Tensor& values, bool accumulate) {
  const Tensor list = overlap(x, positions) ? positions.clone() : positions;
  autograd::begin_in_place(kName, x);
  {
    const NoGrad no_grad;
    // Many halves are added up in float32.
    const DType type = accumulate && is_half(x.dtype()) ? float32 : x.dtype();
    const Tensor source = to(overlap(x, values) ? values.clone().contiguous() : values.contiguous(), type);
    const Tensor y = to(x.contiguous(), type);
    const auto geometry = kernels::DimGeometry::along(x.shape(), dim);
    on(x.device(), [&](auto& ctx) {
      if (accumulate)
        kernels::index_add(ctx, geometry, list, source, y);
      else
        kernels::index_copy(ctx, geometry, list, source, y);
      if (!y.is_same(x)) kernels::copy(ctx, y, x);
    });
  }
  autograd::record_in_place(
      kName, x, {x, values},
      [list = Saved(list), dim, accumulate, shape = values.shape()](const Tensor& g, Wanted wanted) {
        return gradients(
            wanted, [&] { return accumulate ? g : index_copy(g, dim, list.get(), zeros(shape, like(g))); },
            [&] { return index_select(g, dim, list.get()); });
      });
}

Tensor without_leading_ones(const Tensor& values, int rank) {
  Tensor result = values;
  while (result.dim() > rank && result.size(0) == 1) result = select(result, 0, 0);
  return result;
}

void check_fits(const Tensor& values, const Shape& shape) {
  bool fits = values.dim() <= shape.rank();
  for (int d = 1; fits && d <= values.dim(); ++d) {
    const int64_t size = values.size(-d);
    fits = size == 1 || size == shape[shape.rank() - d];
  }
  if (!fits)
    fail("{}: values of shape {} do not broadcast to the {} that is indexed", kName, values.shape(), shape);
}

// The values as x's type: numbers convert, tensors are asked for.
Tensor checked_values(const Tensor& x, const Tensor& values, bool converts) {
  const bool is_number = values.dim() == 0;
  if (values.dtype() != x.dtype() && !converts && !is_number)
    fail("{}: x is {}, values are {}; convert one with .to(dtype)", kName, x.dtype(), values.dtype());
  if (values.device() == x.device()) return values.dtype() == x.dtype() ? values : to(values, x.dtype());
  if (!is_number)
    fail("{}: x is on {}, values on {}; move one with .to(device)", kName, x.device(), values.device());
  return to(values, x.device(), x.dtype());
}

void put(const Tensor& x, const TensorIndices& indices, const Tensor& given, bool accumulate) {
  if (!x.defined() || !given.defined())
    fail("{}: {} is an undefined tensor", kName, x.defined() ? "values" : "x");
  Tensor view, mask;
  if (!accumulate && given.dim() == 0 && indexing::is_masked(kName, x, indices, &view, &mask)) {
    view.copy_(where(mask, checked_values(x, given, true), view));
    return;
  }
  const indexing::Plan plan = indexing::plan_of(kName, x, indices);
  const Tensor checked = checked_values(x, given, plan.is_view());
  if (plan.is_view()) {
    const Tensor values = without_leading_ones(checked, plan.view.dim());
    check_fits(values, plan.view.shape());
    accumulate ? plan.view.add_(values) : plan.view.copy_(values);
    return;
  }
  const indexing::Along a = indexing::along(kName, plan);
  const Shape whole = a.with(a.taken), flat = a.flat();
  const Tensor values = without_leading_ones(checked, whole.rank());
  check_fits(values, whole);
  const Tensor source = reshape(expand(values, whole), a.with(a.list.numel()));
  Layout layout;
  if (a.view.layout().reshape(flat, &layout)) {
    write_along(a.view.view(flat), a.dim, a.list, source, accumulate);
  } else {
    const Tensor old = reshape(a.view, flat);
    const Tensor changed =
        accumulate ? index_add(old, a.dim, a.list, source) : index_copy(old, a.dim, a.list, source);
    a.view.copy_(reshape(changed, a.view.shape()));
  }
}

}  // namespace

const Tensor& Tensor::index_put_(const TensorIndices& indices, const Tensor& values, bool accumulate) const {
  Op op(kName);
  op.optional("x", *this);
  op.attribute("accumulate", accumulate);
  put(*this, indices, values, accumulate);
  op.written();
  return *this;
}
const Tensor& Tensor::index_put_(std::initializer_list<TensorIndex> indices, const Tensor& values,
                                 bool accumulate) const {
  return index_put_(TensorIndices(indices), values, accumulate);
}
const Tensor& Tensor::index_put_(std::initializer_list<TensorIndex> indices, const Scalar& value,
                                 bool accumulate) const {
  if (!defined()) fail("{}: x is an undefined tensor", kName);
  return index_put_(TensorIndices(indices), full({}, value, like(*this)), accumulate);
}

Tensor index_put(const Tensor& input, const TensorIndices& indices, const Tensor& values, bool accumulate) {
  Op op("index_put");
  const Tensor y = clone(op.operand("x", input));
  put(y, indices, values, accumulate);
  return op.result(y);
}

}  // namespace kiln
