#include <kiln/kernels/base/precision.h>

#include <atomic>

namespace kiln {
namespace {

std::atomic<Float32Precision> allowed = Float32Precision::highest;

}  // namespace

void set_float32_matmul_precision(Float32Precision precision) { allowed = precision; }
Float32Precision float32_matmul_precision() { return allowed; }

}  // namespace kiln
