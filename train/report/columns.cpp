#include <kiln/train/report/columns.h>

#include <algorithm>
#include <cstdint>

namespace kiln::io {
namespace {

struct Range {
  uint32_t first, last;
};

// Combining marks, joiners and variation selectors: the blocks that hold nothing else. Without U+FE0F, which
// may make the character before it a wide one.
constexpr Range kJoined[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
                             {0x64b, 0x65f},   {0x93c, 0x93c},   {0x941, 0x948},   {0x94d, 0x94d},
                             {0xe31, 0xe31},   {0xe34, 0xe3a},   {0xe47, 0xe4e},   {0x1ab0, 0x1aff},
                             {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064},
                             {0x20d0, 0x20ff}, {0xfe00, 0xfe0e}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};

// Width W or F (EastAsianWidth.txt), in blocks.
constexpr Range kWide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},   {0x23f0, 0x23f3},
    {0x25fd, 0x25fe},   {0x2614, 0x2615},   {0x2648, 0x2653},   {0x267f, 0x267f},   {0x2693, 0x2693},
    {0x26a1, 0x26a1},   {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x26ce, 0x26ce},
    {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f5},   {0x26fa, 0x26fd},   {0x2705, 0x2705},
    {0x270a, 0x270b},   {0x2728, 0x2728},   {0x274c, 0x274e},   {0x2753, 0x2757},   {0x2795, 0x2797},
    {0x27b0, 0x27bf},   {0x2b1b, 0x2b1c},   {0x2b50, 0x2b55},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
    {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe10, 0xfe19},   {0xfe30, 0xfe6f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},
    {0x16fe0, 0x18aff}, {0x1b000, 0x1b2ff}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e},
    {0x1f191, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f7e0, 0x1f7eb},
    {0x1f90c, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd}};

template <size_t kCount>
bool is_in(uint32_t code, const Range (&ranges)[kCount]) {
  const Range* found = std::ranges::lower_bound(ranges, code, {}, &Range::last);
  return found != std::end(ranges) && code >= found->first;
}

struct Character {
  size_t bytes;
  int columns;
};

Character first_character(std::string_view text, bool unicode) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t bytes = lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (!unicode || bytes == 1 || bytes > text.size()) return {1, 1};
  uint32_t code = lead & (0x7fu >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((text[i] & 0xc0) != 0x80) return {1, 1};
    code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  return {bytes, is_in(code, kJoined) ? 0 : is_in(code, kWide) ? 2 : 1};
}

}  // namespace

std::string_view first_columns(std::string_view text, int limit, bool unicode) {
  size_t end = 0;
  while (end < text.size()) {
    const Character next = first_character(text.substr(end), unicode);
    limit -= next.columns;
    if (limit < 0) break;
    end += next.bytes;
  }
  return text.substr(0, end);
}

int columns(std::string_view text, bool unicode) {
  int sum = 0;
  for (size_t at = 0; at < text.size();) {
    const Character next = first_character(text.substr(at), unicode);
    sum += next.columns;
    at += next.bytes;
  }
  return sum;
}

}  // namespace kiln::io
