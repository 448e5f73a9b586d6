#include <kiln/optim/grads.h>

#include <kiln/autograd/record.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::optim {

void Grads::add(const Tensors& params) {
  for (const Tensor& param : params) {
    const Tensor grad = param.defined() ? param.grad() : Tensor();
    if (!grad.defined()) continue;
    if (!grads_.empty() && grad.device() != grads_[0].device())
      fail("{}: gradients on {} and {}; all must be on one device", op_, grads_[0].device(), grad.device());
    Tensor dense = grad;
    if (!grad.layout().is_dense()) {
      dense = empty(grad.shape(), {.dtype = grad.dtype(), .device = grad.device()});
      on(grad.device(), [&](auto& ctx) { kernels::copy(ctx, grad, dense); });
    }
    grads_.push_back(grad);
    dense_.push_back(dense);
    spans_.push_back({dense.raw_data(), dense.dtype(), dense.numel()});
  }
}

void Grads::begin_write() const {
  const NoGrad guard;
  for (const Tensor& grad : grads_) autograd::begin_in_place(op_, grad);
}

void Grads::end_write() const {
  for (size_t i = 0; i < grads_.size(); ++i)
    if (!grads_[i].is_same(dense_[i]))
      on(device(), [&](auto& ctx) { kernels::copy(ctx, dense_[i], grads_[i]); });
}

}  // namespace kiln::optim
