#pragma once

// Internal: words for what is no file of weights that Kiln reads.

#include <string>
#include <string_view>

namespace kiln::io {

class InputFile;
class ZipArchive;

// "compressed with bzip2; unpack it first", of a file that begins with `head` (up to 512 bytes); "" when it
// is of no kind that is known. The name of the file counts where its content says nothing.
std::string stranger(std::string_view head, const InputFile& file);

// The same of an archive, which has records; "" too when it is PyTorch's.
std::string stranger(const ZipArchive& archive);

// Throws when `path` is a folder, and tells which of its files could be loaded.
void refuse_folder(const std::string& path);

}  // namespace kiln::io
