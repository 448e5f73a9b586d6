#pragma once

#include <kiln/data/annotations/annotations.h>

namespace kiln::data {

struct ElpvOptions {
  double threshold = 0.5;  // a cell that is at least so likely defective is
};

// The ELPV data set: 2,624 photographs of solar cells by electroluminescence, each with the probability that
// the cell is defective and its kind (Deitsch et al., "Automatic classification of defective photovoltaic
// module cells in electroluminescence images", 2019). `folder` has labels.csv and images/, as the data folder
// of the PyPI package elpv-dataset. Classes are functional (0) and defective (1), the kind, mono or poly, is
// the slice. Throws an Error that names the file and the line.
Annotations elpv(const std::string& folder, const ElpvOptions& options = {});

}  // namespace kiln::data
