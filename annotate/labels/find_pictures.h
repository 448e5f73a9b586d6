#pragma once

// Internal: the pictures of a folder.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::annotate {

struct Found {
  std::vector<std::string> paths;  // from the folder, as people sort: 2.jpg before 10.jpg
  int64_t outside = 0;             // links that lead out of the folder, which are left out
};

// Files below the folder whose names end as pictures' do, without hidden ones. Throws for a folder that
// cannot be read.
Found find_pictures(const std::string& folder);

// Numbers in names count as numbers.
bool comes_before(std::string_view a, std::string_view b);

// The path with links followed, when it lies in the folder; "" when it does not or is not there.
std::string real_path_in(const std::string& folder, const std::string& path);

}  // namespace kiln::annotate
