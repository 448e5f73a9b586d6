#include <ostream>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/tensor.h>

// What std::ostream and to_string make of Kiln's values.

namespace kiln {

std::string to_string(const Scalar& x) {
  if (x.dtype() == bool8) return x.integer() != 0 ? "true" : "false";
  return x.dtype() == int64 ? fmt::format("{}", x.integer()) : fmt::format("{}", x.real());
}

std::ostream& Dims::print(std::ostream& out, const Dims& dims) { return out << to_string(dims); }
std::ostream& Device::print(std::ostream& out, Device device) { return out << to_string(device); }
std::ostream& Scalar::print(std::ostream& out, const Scalar& x) { return out << to_string(x); }
std::ostream& TensorBase::print(std::ostream& out, const TensorBase& x) {
  return out << to_string(Tensor(x.impl_));
}
std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name_of(dtype); }

}  // namespace kiln
