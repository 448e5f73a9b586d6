#include <kiln/tensor/dtype/visit.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::detail {

void fail_not_floating(const char* op, DType dtype) {
  fail("{}: needs a floating-point tensor, got {}", op, dtype);
}

void fail_not_index(const char* op, DType dtype) {
  fail("{}: indices must be int64 or int32, got {}", op, dtype);
}

void fail_not_number(const char* op, DType dtype) {
  if (dtype == DType::bool8) fail("{}: bool tensors are not supported", op);
  fail("{}: {} is storage only", op, dtype);
}

}  // namespace kiln::detail
