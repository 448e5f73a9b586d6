#pragma once

#include <string_view>

#include <kiln/io/file.h>
#include <kiln/io/load.h>

namespace kiln::io {

// Internal: a kind of file that load() knows. A reader joins by an entry in the table in load.cpp.
struct Format {
  // True when a file of `size` bytes that begins with `head` (up to 512 bytes) is of this kind.
  bool (*matches)(std::string_view head, int64_t size);
  Value (*read)(const InputFile& file, const LoadOptions& options);
};

// State files and other safetensors files.
bool is_state_file(std::string_view head, int64_t size);
Value read_state_file(const InputFile& file, const LoadOptions& options);

}  // namespace kiln::io
