#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kiln::fuzz {

struct TarMember {
  std::string header = {};  // as it was; "": a plain one
  std::string name, content;
  char type = '0';
};
struct TarParts {
  std::vector<TarMember> members;
  std::string behind = {};
};

// False for what is no tar archive (POSIX.1-1988, "ustar").
bool read_tar(std::string_view bytes, TarParts* tar);
// With right sizes and checksums.
std::string write_tar(const TarParts& tar);

}  // namespace kiln::fuzz
