#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Internal.

namespace kiln {

// What an op finds wrong in its data (an index out of range, say) is told by a text with places for numbers:
//   {value}, {last}   the offending value, and the largest that would be right
//   {real}            the value, where it is the bits of a float64
//   {at}              where it stands, counted in row-major order
//   {at of [3,4]}     the same as a position in that shape
//   {at / 12}         the same, divided
// so that kernels of a GPU, which find it late, can leave the numbers to the host.
std::string filled(std::string_view text, int64_t value, int64_t at, int64_t last);

// A copy of the text that is never freed, the same for equal texts.
const char* kept_text(const std::string& text);

}  // namespace kiln
