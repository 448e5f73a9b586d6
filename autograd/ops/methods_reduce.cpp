#include <kiln/autograd/ops.h>

// Methods of Tensor that are other names of reductions, products and softmax.

namespace kiln {

Tensor Tensor::sum(const Dims& dims, bool keepdim) const { return kiln::sum(*this, dims, keepdim); }
Tensor Tensor::mean(const Dims& dims, bool keepdim) const { return kiln::mean(*this, dims, keepdim); }
Tensor Tensor::max() const { return kiln::max(*this); }
Tensor Tensor::min() const { return kiln::min(*this); }
Tensor Tensor::argmax(int dim, bool keepdim) const { return kiln::argmax(*this, dim, keepdim); }
Tensor Tensor::argmin(int dim, bool keepdim) const { return kiln::argmin(*this, dim, keepdim); }
Tensor Tensor::norm(double p) const { return kiln::norm(*this, p); }
Tensor Tensor::matmul(const Tensor& other) const { return kiln::matmul(*this, other); }
Tensor Tensor::softmax(int dim) const { return kiln::softmax(*this, dim); }
Tensor Tensor::log_softmax(int dim) const { return kiln::log_softmax(*this, dim); }

}  // namespace kiln
