#include <kiln/kernels/flat/flat_copy.h>

#include <cstring>

namespace kiln::kernels {

void flat_copy(CpuContext&, std::span<const FlatCopy> copies) {
  for (const FlatCopy& copy : copies)
    if (copy.bytes > 0) std::memcpy(copy.to, copy.from, size_t(copy.bytes));
}

}  // namespace kiln::kernels
