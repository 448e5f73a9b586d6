#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kiln/tensor/tensor.h>

// Internal: pages that stand alone, in one file, without scripts and without the network.

namespace kiln::project {

// A whole page around a body of HTML; light and dark as the reader's system is.
std::string page(std::string_view title, std::string_view body);

// A picture [C,H,W] as an <img> that holds it (JPEG, its longer side `most` pixels at most), or "" when it
// cannot be read; `alt` says what it shows.
std::string embedded(const Tensor& picture, std::string_view alt, int64_t most = 160);
std::string embedded_file(const std::string& path, std::string_view alt, int64_t most = 160);

// A table; cells are HTML. Columns of numbers stand right.
std::string table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows);

std::string base64(std::string_view bytes);

}  // namespace kiln::project
