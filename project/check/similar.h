#pragma once

#include <vector>

#include <kiln/project/check/picture_facts.h>

// Internal.

namespace kiln::project {

// Groups, of two and more, of pictures that are the same but for size, compression and brightness; places in
// `facts` in rising order, the groups by their first. Pictures that could not be read are in none.
std::vector<std::vector<size_t>> similar(const std::vector<PictureFacts>& facts);

// Groups of files with the same bytes.
std::vector<std::vector<size_t>> same_bytes(const std::vector<PictureFacts>& facts);

}  // namespace kiln::project
