#pragma once

#include <string>
#include <vector>

#include <kiln/serve/batch/engine.h>

namespace kiln::tools {

// A picture of a validation set, and the folder that it lies in.
struct Picture {
  std::string path, class_name;
};

// Of a folder with a folder of pictures for each class, in the order of their names. Throws when there are
// none.
std::vector<Picture> pictures_in(const std::string& folder);

// 1 for each picture whose class the model names, else 0. Throws for a class that the model does not know,
// and for a picture that cannot be read.
std::vector<double> outcomes_of(serve::Engine& engine, const std::vector<Picture>& pictures);

}  // namespace kiln::tools
