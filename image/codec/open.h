#pragma once

// Internal: what happens before a decoder is chosen.

#include <string>

#include <kiln/image/decode.h>

namespace kiln::image {

// Format, then size, as the options allow.
Info allowed_info(std::string_view bytes, const DecodeOptions& options);

// A regular file's bytes. An Error says what the system said, without the path.
std::string read_bytes(const std::string& path);

}  // namespace kiln::image
