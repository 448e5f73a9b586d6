#pragma once

#include <kiln/tensor/base/function.h>
#include <kiln/tensor/tensor.h>

namespace kiln {

struct GradcheckOptions {
  double eps = 1e-6;  // step of the central difference
  double atol = 1e-5;
  double rtol = 1e-3;
};

// Compares the gradients of f with central differences, for every input that requires grad (float64 wanted;
// float32 has not enough digits). Throws an Error that names input, element and both values; true otherwise.
// Outputs that have no history are skipped.
bool gradcheck(const Function<Tensors(const Tensors&)>& f, const Tensors& inputs,
               const GradcheckOptions& options = {});

// The same for the gradient of f: second derivatives. Draws random gradients for f's outputs (seeded, the
// same each time).
bool gradgradcheck(const Function<Tensors(const Tensors&)>& f, const Tensors& inputs,
                   const GradcheckOptions& options = {});

}  // namespace kiln
