#pragma once

#include <kiln/tensor/dtype/dtype.h>

namespace kiln {

// Mixed precision (Micikevicius et al., 2018): while it lives, ops on this thread choose the type they
// compute in, as torch.autocast has them do on CUDA; on both devices alike.
//
//     Autocast amp(bfloat16);
//     const Tensor loss = cross_entropy(net(x), target);
//
// - conv2d, linear and matmul compute in `dtype` and give it;
// - what needs range or precision computes in float32 and gives it: exp, expm1, the logarithms, pow,
//   reciprocal, rsqrt, tan, asin, acos, sinh, cosh, softplus, softmax, log_softmax, sum, prod, cumsum, norm,
//   layer_norm, and the losses;
// - everything else takes the types that it gets; of two it takes the wider one. Ops in place keep x's type.
//
// float64 tensors stay as they are. Parameters stay float32, and so do their gradients; a parameter is
// converted once for all its uses until the outermost Autocast ends. The backward pass computes each op in
// the type of its forward pass, wherever backward() is called. Gradients in float16 may vanish:
// optim::GradScaler keeps them in range. bfloat16 has the range of float32 and needs none.
//
// `dtype` is float16 or bfloat16; throws for others. With `enabled` false ops take the types that they get,
// inside another Autocast, too: a program can take it from an option.
class Autocast {
 public:
  explicit Autocast(DType dtype = DType::bfloat16, bool enabled = true);
  ~Autocast();
  Autocast(const Autocast&) = delete;

 private:
  bool entered_, before_;
  DType dtype_before_;
};

// While it lives, ops inside an Autocast take the types that they get.
class NoAutocast {
 public:
  NoAutocast();
  ~NoAutocast();
  NoAutocast(const NoAutocast&) = delete;

 private:
  bool before_;
};

bool autocast_enabled();
// That of the innermost Autocast on this thread; bfloat16 outside.
DType autocast_dtype();

}  // namespace kiln
