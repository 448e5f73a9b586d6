#pragma once

#include <string>
#include <string_view>
#include <vector>

// Internal.

namespace kiln::nn {

// Of `names`, the one that a mistyped `name` most likely meant; "" when none is close. One
// that ends in it, or in which it ends, counts before all; else the first 2000 are compared.
std::string closest_name(std::string_view name, const std::vector<std::string>& names);

// Whether the pattern, in which * stands for any letters and ? for one, is all of `name` or of a path above
// it: "layer1" and "layer?" match "layer1.0.weight".
bool matches(std::string_view pattern, std::string_view name);

}  // namespace kiln::nn
