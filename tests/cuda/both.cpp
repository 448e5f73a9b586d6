#include "both.h"

#include <cmath>
#include <cstring>

namespace kiln::test {

bool bits_equal(const Tensor& a, const Tensor& b) {
  const Storage &x = *a.impl()->storage, &y = *b.impl()->storage;
  return a.dtype() == b.dtype() && a.shape() == b.shape() && a.strides() == b.strides() &&
         x.bytes == y.bytes && (x.bytes == 0 || std::memcmp(x.data, y.data, size_t(x.bytes)) == 0);
}

bool close(const Tensor& a, const Tensor& b, double rtol, double atol) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return false;
  const std::vector<double> x = a.to_vector<double>(), y = b.to_vector<double>();
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) continue;
    if (!(std::abs(x[i] - y[i]) <= atol + rtol * std::abs(y[i]))) return false;
  }
  return true;
}

}  // namespace kiln::test
