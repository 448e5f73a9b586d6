#pragma once

#include "fuzz/mutate/json_tree.h"

namespace kiln::fuzz {

// A safetensors file: its header and the data behind it.
struct HeaderParts {
  Json header;
  std::string data;
};
bool read_header(std::string_view bytes, HeaderParts* parts);
// With the right length, in front of a multiple of 64 bytes where `is_padded`.
std::string write_header(const HeaderParts& parts, bool is_padded);

// Begin and end of an entry's data; false where they do not lie in the data.
bool data_of(const Json& entry, size_t data_bytes, size_t* begin, size_t* end);
// Lays the entries one behind the other, each with the bytes that its dtype and shape need, where all of them
// are few.
void lay_out(HeaderParts* parts);

}  // namespace kiln::fuzz
