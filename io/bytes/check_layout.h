#pragma once

#include <string>

#include <kiln/tensor/layout.h>

namespace kiln::io {

// Internal: throws "WHERE: ..." when the layout of a file is not one, or reaches beyond `available` elements.
// After it the number of elements, the span and the offset do not overflow.
void check_layout(const Layout& layout, int64_t available, const std::string& where);

}  // namespace kiln::io
