#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kiln::fuzz {

// The files that an input stands for: targets.h.
std::vector<std::string> plain_files(std::string_view input);
// Without checksums, which a zip archive may lack.
std::vector<std::string> zip_files(std::string_view input);
// As data.pkl of an archive with the storages that it names.
std::vector<std::string> pickle_files(std::string_view input);
// With right checksums.
std::vector<std::string> tar_files(std::string_view input);
std::vector<std::string> kiln_files(std::string_view input);

}  // namespace kiln::fuzz
