#include <kiln/autograd/indexing/plan.h>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/found.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::indexing {
namespace {

using Kind = TensorIndex::Kind;

bool is_mask(const TensorIndex& index) {
  return index.kind() == Kind::tensor && index.tensor().dtype() == bool8 && index.tensor().dim() > 0;
}

void check_tensor(const char* op, const Tensor& x, const Tensor& index) {
  if (!index.defined()) fail("{}: an index is an undefined tensor", op);
  const DType dtype = index.dtype();
  if (dtype == uint8) fail("{}: a uint8 index could be a mask or positions; convert it to bool or int64", op);
  if (dtype != bool8 && dtype != int64 && dtype != int32)
    fail("{}: index tensors must be bool, int64 or int32, got {}", op, dtype);
  if (!index.device().is_cpu() && index.device() != x.device())
    fail("{}: x is on {}, an index on {}; move it with .to(device)", op, x.device(), index.device());
}

// The dimensions of x that an index takes up.
int dims_of(const TensorIndex& index) {
  if (is_mask(index)) return index.tensor().dim();
  if (index.kind() == Kind::tensor) return index.tensor().dtype() == bool8 ? 0 : 1;
  return index.kind() == Kind::integer || index.kind() == Kind::slice;
}

// Positions along dimension `dim` of `view` as int64 of x's device, negative ones counted from the end.
Tensor wrapped(const char* op, const Tensor& view, int dim, const Tensor& index) {
  const int64_t size = view.size(dim);
  Tensor at = contiguous(to(index.detach(), view.device(), int64));
  const auto text = [&](const char* value) {
    return fmt::format("{}: index {} at position {{at of {}}} is out of range for dim {} of x {} ({})", op,
                       value, at.shape(), dim, view.shape(),
                       size == 0 ? "it is empty" : fmt::format("use {} .. {}", -size, size - 1));
  };
  if (!view.device().is_cpu()) {
    at = at.where(ge(at, 0), add(at, size));
    check_indices(at, size, {}, [&] { return text("{value} (of a negative one: plus the size)"); });
    return at;
  }
  const int64_t* values = at.data<int64_t>();
  bool negative = false;
  for (int64_t i = 0; i < at.numel(); ++i) {
    negative |= values[i] < 0;
    if (values[i] < -size || values[i] >= size) fail_found(text("{value}"), at, i, size - 1);
  }
  return negative ? at.where(ge(at, 0), add(at, size)) : at;
}

class Planner {
 public:
  Planner(const char* op, const Tensor& x, const TensorIndices& indices) : op_(op), whole_(x.dim()) {
    bool has_ellipsis = false;
    plan_.view = x;
    for (const TensorIndex& index : indices) {
      if (index.kind() == Kind::tensor) check_tensor(op, x, index.tensor());
      if (index.kind() == Kind::ellipsis && std::exchange(has_ellipsis, true))
        fail("{}: only one Ellipsis may stand in an index", op);
      whole_ -= dims_of(index);
    }
    if (whole_ < 0) fail("{}: {} dims are indexed, x {} has {}", op, x.dim() - whole_, x.shape(), x.dim());
  }

  // Leaves a mask to the caller where `mask` is not null: of its dimensions the first is then in mask_dim.
  void add(const TensorIndex& index, Tensor* mask, int* mask_dim) {
    Tensor& view = plan_.view;
    switch (index.kind()) {
      case Kind::integer:
        view = select(view, dim_, index.integer());
        break;
      case Kind::slice: {
        const Slice& range = index.slice();
        view = slice(view, dim_, range.start.value_or(0), range.stop.value_or(INT64_MAX),
                     range.step.value_or(1));
        ++dim_;
        break;
      }
      case Kind::ellipsis:
        dim_ += whole_;
        break;
      case Kind::none:
        view = unsqueeze(view, dim_++);
        break;
      case Kind::boolean:
        add_truth(index.integer() != 0);
        break;
      case Kind::tensor:
        if (is_mask(index) && mask != nullptr) {
          *mask = index.tensor();
          *mask_dim = dim_;
          dim_ += mask->dim();
        } else {
          add_tensor(index.tensor());
        }
    }
  }

  Plan plan() { return std::move(plan_); }
  const Tensor& view() const { return plan_.view; }

 private:
  void add_tensor(const Tensor& index) {
    if (index.dim() == 0 && index.dtype() == bool8) return add_truth(index.item<bool>());
    if (index.dim() == 0) {
      plan_.view = select(plan_.view, dim_, index.item<int64_t>());
    } else if (index.dtype() == bool8) {
      check_mask(op_, plan_.view, dim_, index);
      const Tensor where = nonzero(index).to(plan_.view.device());
      for (int d = 0; d < index.dim(); ++d) put(contiguous(select(where, 1, d)));
    } else {
      put(wrapped(op_, plan_.view, dim_, index));
    }
  }

  // True keeps what there is as one element of a new dimension, false drops it.
  void add_truth(bool value) {
    plan_.view = unsqueeze(plan_.view, dim_);
    put(zeros({value ? 1 : 0}, {.dtype = int64, .device = plan_.view.device()}));
  }

  void put(Tensor positions) {
    plan_.positions.resize(size_t(dim_));
    plan_.positions.push_back(std::move(positions));
    ++dim_;
  }

 public:
  static void check_mask(const char* op, const Tensor& view, int dim, const Tensor& mask) {
    for (int d = 0; d < mask.dim(); ++d)
      if (mask.size(d) != view.size(dim + d))
        fail("{}: a mask of shape {} does not fit the dims from {} on of x {}", op, mask.shape(), dim,
             view.shape());
  }

 private:
  const char* op_;
  int whole_, dim_ = 0;  // dims that an Ellipsis stands for; where the next index applies
  Plan plan_;
};

}  // namespace

Plan plan_of(const char* op, const Tensor& x, const TensorIndices& indices) {
  if (!x.defined()) fail("{}: x is an undefined tensor", op);
  Planner planner(op, x, indices);
  for (const TensorIndex& index : indices) planner.add(index, nullptr, nullptr);
  return planner.plan();
}

bool is_masked(const char* op, const Tensor& x, const TensorIndices& indices, Tensor* view, Tensor* mask) {
  int tensors = 0, masks = 0, dim = 0;
  for (const TensorIndex& index : indices) {
    tensors += index.kind() == Kind::tensor || index.kind() == Kind::boolean;
    masks += index.kind() == Kind::tensor && index.tensor().defined() && is_mask(index);
  }
  if (tensors != 1 || masks != 1) return false;
  if (!x.defined()) fail("{}: x is an undefined tensor", op);
  Planner planner(op, x, indices);
  for (const TensorIndex& index : indices) planner.add(index, mask, &dim);
  *view = planner.view();
  Planner::check_mask(op, *view, dim, *mask);
  Shape shape = mask->shape();
  while (shape.rank() < view->dim() - dim) shape.push_back(1);
  *mask = mask->to(view->device()).reshape(shape);
  return true;
}

Shape Along::with(const Shape& sizes) const {
  Shape shape;
  for (int d = 0; d < dim; ++d) shape.push_back(view.size(d));
  for (const int64_t size : sizes) shape.push_back(size);
  for (int d = dim + merged; d < view.dim(); ++d) shape.push_back(view.size(d));
  return shape;
}

Shape Along::flat() const {
  int64_t size = 1;
  for (int d = dim; d < dim + merged; ++d) size *= view.size(d);
  return with(size);
}

Along along(const char* op, const Plan& plan) {
  Along result;
  Dims indexed, order;
  Shape taken;
  for (size_t d = 0; d < plan.positions.size(); ++d) {
    if (!plan.positions[d].defined()) continue;
    taken = broadcast_shapes(op, taken, plan.positions[d].shape());
    indexed.push_back(int64_t(d));
  }
  result.taken = taken;
  result.merged = indexed.rank();
  result.view = plan.view;
  result.dim = int(indexed[0]);
  // Apart, what they take comes first.
  if (indexed.back() - indexed[0] + 1 != indexed.rank()) {
    order = indexed;
    for (int d = 0; d < plan.view.dim(); ++d)
      if (size_t(d) >= plan.positions.size() || !plan.positions[size_t(d)].defined()) order.push_back(d);
    result.view = permute(plan.view, order);
    result.dim = 0;
  }
  const NoGrad no_grad;
  int64_t stride = 1;
  for (int i = indexed.rank() - 1; i >= 0; --i) {
    const Tensor& at = plan.positions[size_t(indexed[i])];
    const Tensor part = stride == 1 ? at : mul(at, stride);
    result.list = result.list.defined() ? add(result.list, part) : part;
    stride *= plan.view.size(int(indexed[i]));
  }
  result.list = contiguous(expand(result.list, taken)).view({numel(taken)});
  return result;
}

}  // namespace kiln::indexing
