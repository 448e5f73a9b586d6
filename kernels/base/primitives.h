#pragma once

#include <cstdint>

namespace kiln::kernels {

// Library primitives (compiled or planned convolutions, products and layout changes) made so far by all
// threads, on all devices. A steady training step makes none.
int64_t primitives_created();

// For kernels: one more.
void note_primitive();

}  // namespace kiln::kernels
