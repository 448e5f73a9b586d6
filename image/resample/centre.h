#pragma once

// Internal.

#include <cstdint>

namespace kiln::image {

// Where a crop out of the middle begins: half of the rest, half an odd one to the even side, as Python
// rounds.
int64_t centre_of(int64_t size, int64_t crop);

}  // namespace kiln::image
