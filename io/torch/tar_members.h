#pragma once

#include <span>
#include <string_view>

#include <kiln/io/bytes/source.h>

namespace kiln::io {

// Internal: a member of a tar archive: its content in the file.
struct TarMember {
  int64_t begin = -1, bytes = 0;
};

bool is_tar(std::string_view head);

// Finds the members of those names and no others, plain files all, each once. Throws for what a tar program
// and Kiln would read in different ways (names and sizes in extended headers, prefixes), and for bytes
// between and behind the members that are not zero.
void find_tar_members(const Source& source, std::span<const std::string_view> names,
                      std::span<TarMember> members);

}  // namespace kiln::io
