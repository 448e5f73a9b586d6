#pragma once

#include <kiln/tensor/dtype/dtype.h>
#include <kiln/tensor/layout.h>
#include <kiln/tensor/storage.h>

namespace kiln {

// What autograd hangs on a tensor; defined there.
struct AutogradSlot {
  virtual ~AutogradSlot() = default;
};

// What a Tensor handle points to.
struct TensorImpl : RefCounted {
  Ref<Storage> storage;
  Layout layout;
  DType dtype = DType::float32;
  AutogradSlot* slot = nullptr;  // owned; null until autograd needs one
  Ref<TensorImpl> base;          // the tensor this is a differentiable view of; null otherwise

  ~TensorImpl() { delete slot; }
  static void destroy(TensorImpl* impl) { delete impl; }
};

}  // namespace kiln
