#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kiln::io {

// Internal: the order of a state dict's names in safetensors, whose own order others change: the reference
// implementation sorts. It stands in `__metadata__` under that name, as each name's place among the sorted
// ones: "2,0,1".
inline constexpr const char* kOrderName = "kiln.order";
std::string order_text(const std::vector<std::string_view>& names);

// Which of `names` comes first, second and so on; empty for a text that does not fit them.
std::vector<size_t> order_from(std::string_view text, const std::vector<std::string_view>& names);

}  // namespace kiln::io
