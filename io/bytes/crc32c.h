#pragma once

#include <cstddef>
#include <cstdint>

// Internal.

namespace kiln::io {

// CRC-32C (Castagnoli polynomial, RFC 3720; "123456789" gives e3069283) of `size` bytes. `before` is the
// result for the bytes in front of them: crc32c(b, nb, crc32c(a, na)) is that of a followed by b.
uint32_t crc32c(const void* data, size_t size, uint32_t before = 0);

}  // namespace kiln::io
