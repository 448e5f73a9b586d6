#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::fuzz {

// The opcodes of a pickle, each with its argument, the opcode itself in front.
using Ops = std::vector<std::string>;

// Splits one pickle of protocol 0 to 5 up to its STOP and tells how many bytes that were; false for what is
// none. A tokenizer of its own: what the reader takes for an opcode is what is tested.
bool split_pickle(std::string_view bytes, Ops* ops, size_t* consumed);
// The bytes; the lengths of frames are made to fit where they go beyond the end.
std::string join_pickle(const Ops& ops);
// MEMOIZE, which counts, becomes a put of its number, so that opcodes may come and go.
void number_memo(Ops* ops);

// The opcodes that make one value and what is put into it.
struct Span {
  size_t begin = 0, end = 0;
};
// What a stack machine that keeps no values sees.
struct PickleMap {
  std::vector<Span> values, keys, persistent;
  std::vector<Span> objects;   // up to the call, without what is put into them
  std::vector<uint32_t> memo;  // the numbers that are put
};
PickleMap map_of(const Ops& ops);

// A put of 4 bytes, and a get.
std::string put_op(uint32_t number);
std::string get_op(uint32_t number);
// The number that an opcode puts; false when it puts none or by a name that is no number.
bool is_put(std::string_view op, uint32_t* number);

}  // namespace kiln::fuzz
