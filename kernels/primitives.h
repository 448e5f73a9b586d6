#pragma once

#include <cstdint>

namespace kiln::kernels {

// Library primitives (compiled convolutions, products and layout changes) made so far by all threads. A
// steady training step makes none.
int64_t primitives_created();

}  // namespace kiln::kernels
