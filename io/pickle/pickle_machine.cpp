#include <kiln/io/pickle/pickle_machine.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/utf8.h>

namespace kiln::io {

template <class... Args>
void PickleMachine::bad(const char* format, const Args&... args) const {
  bad_sentence(fmt::format(fmt::runtime(format), args...));
}

void PickleMachine::bad_sentence(std::string sentence) const {
  fail("{}: pickle, byte {}: {}", graph_.origin_, opcode_at_, sentence);
}

PickleMachine::PickleMachine(std::string_view input, std::string origin, const PickleLimits& limits)
    : input_(input), limits_(limits) {
  graph_.origin_ = std::move(origin);
  limits_.nodes = std::min<int64_t>(limits_.nodes, PickleGraph::kNothing);
}

PickleGraph parse_pickle(std::string_view input, std::string origin, const PickleLimits& limits) {
  return PickleMachine(input, std::move(origin), limits).run();
}

PickleGraph PickleMachine::run() {
  constexpr uint8_t kStop = '.';
  using Group = bool (PickleMachine::*)(uint8_t);
  constexpr Group kGroups[] = {&PickleMachine::number, &PickleMachine::string, &PickleMachine::container,
                               &PickleMachine::stack_or_memo, &PickleMachine::object};
  std::array<size_t, 256> group_of = {};  // the first that may know an opcode
  // The input of a stream is all that follows, mostly data: more nodes than these grow as they come.
  constexpr int64_t kBytesOfANode = 6, kMostReserved = 1 << 18;
  const int64_t expected = std::min(limits_.nodes, int64_t(input_.size()) / kBytesOfANode);
  graph_.nodes_.reserve(size_t(std::min(expected, kMostReserved)));
  for (int64_t count = 0;; ++count) {
    opcode_at_ = at_;
    if (at_ == input_.size()) bad("the input ends without STOP");
    if (count == limits_.opcodes) bad("more than {} opcodes (limits.opcodes)", limits_.opcodes);
    if (int64_t(at_) - data_bytes_ > limits_.bytes)
      bad("it has more than {} bytes (limits.pickle_bytes)", limits_.bytes);
    const uint8_t opcode = uint8_t(input_[at_++]);
    if (opcode == kStop) break;
    size_t group = group_of[opcode];
    for (bool known = false; !known; ++group) {
      if (group == std::size(kGroups)) bad("opcode 0x{:02X} is unknown or not supported", opcode);
      const Group read = kGroups[group];
      known = (this->*read)(opcode);
    }
    group_of[opcode] = group - 1;
  }
  if (stack_.size() != 1 || !marks_.empty())
    bad("STOP with {} values on the stack, expected one", stack_.size());
  graph_.root_ = stack_[0];
  graph_.consumed_ = at_;
  return std::move(graph_);
}

std::string_view PickleMachine::take(uint64_t bytes) {
  if (bytes > input_.size() - at_) bad("needs {} bytes, {} are left", bytes, input_.size() - at_);
  const std::string_view part = input_.substr(at_, size_t(bytes));
  at_ += size_t(bytes);
  return part;
}

std::string_view PickleMachine::line() {
  const size_t end = input_.find('\n', at_);
  if (end == std::string_view::npos) bad("needs a line, the input ends before its newline");
  const std::string_view text = input_.substr(at_, end - at_);
  at_ = end + 1;
  return text;
}

template <class T>
T PickleMachine::little_endian() {
  const std::string_view bytes = take(sizeof(T));
  uint64_t value = 0;
  for (size_t i = sizeof(T); i-- > 0;) value = value << 8 | uint8_t(bytes[i]);
  return T(value);
}

// A pickler decodes a byte at most twice, to at most two bytes; a pickle that asks for one string's decoding
// again and again is not one of its.
std::string_view PickleMachine::keep(std::string text) {
  decoded_bytes_ += text.size();
  if (decoded_bytes_ / 4 > input_.size()) bad("its strings decode to more than four times its size");
  return graph_.decoded_.emplace_back(std::move(text));
}

PickleMachine::Id PickleMachine::add(Kind kind) {
  if (int64_t(graph_.nodes_.size()) >= limits_.nodes)
    bad("more than {} values (limits.nodes)", limits_.nodes);
  graph_.nodes_.emplace_back().kind = kind;
  return Id(graph_.nodes_.size() - 1);
}

void PickleMachine::push_integer(Kind kind, int64_t value) {
  push(kind);
  graph_.nodes_.back().integer = value;
}

void PickleMachine::push_long(std::string_view bytes) {
  const bool negative = !bytes.empty() && (uint8_t(bytes.back()) & 0x80) != 0;
  const char extension = negative ? char(0xFF) : 0;
  std::string_view low = bytes;
  while (low.size() > 8 && low.back() == extension) low.remove_suffix(1);
  const bool same_sign = low.size() < 8 || ((uint8_t(low.back()) & 0x80) != 0) == negative;
  if (low.size() > 8 || !same_sign) return push_string(Kind::big_integer, bytes);
  uint64_t value = negative ? ~uint64_t(0) : 0;
  for (size_t i = low.size(); i-- > 0;) value = value << 8 | uint8_t(low[i]);
  push_integer(Kind::integer, int64_t(value));
}

void PickleMachine::push_decimal(std::string_view digits) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc() && end == digits.data() + digits.size()) return push_integer(Kind::integer, value);
  std::string bytes;
  if (!decode_decimal(digits, &bytes)) bad("'{}' is not an int", quotable(digits));
  push_long(keep(std::move(bytes)));
}

void PickleMachine::push_real(std::string_view text) {
  double value = 0;
  if (!decode_real(text, &value)) bad("'{}' is not a float", quotable(text));
  push(Kind::real);
  graph_.nodes_.back().real = value;
}

void PickleMachine::push_string(Kind kind, std::string_view text) {
  const bool is_data = kind == Kind::bytes || kind == Kind::byte_string;
  if (!is_data && int64_t(text.size()) > limits_.string_bytes)
    bad("a string of {} bytes, the limit is {} (limits.string_bytes)", text.size(), limits_.string_bytes);
  if (is_data) data_bytes_ += int64_t(text.size());
  if (kind == Kind::text && !is_utf8(text, true)) bad("a string is not UTF-8");
  push(kind);
  graph_.nodes_.back().text = text;
}

bool PickleMachine::number(uint8_t opcode) {
  switch (opcode) {
    case 'N':
      return push(Kind::none), true;
    case 0x88:  // NEWTRUE
    case 0x89:  // NEWFALSE
      return push_integer(Kind::boolean, opcode == 0x88), true;
    case 'J':
      return push_integer(Kind::integer, little_endian<int32_t>()), true;
    case 'K':
      return push_integer(Kind::integer, little_endian<uint8_t>()), true;
    case 'M':
      return push_integer(Kind::integer, little_endian<uint16_t>()), true;
    case 0x8A:  // LONG1
      return push_long(take(little_endian<uint8_t>())), true;
    case 0x8B: {  // LONG4
      const int32_t length = little_endian<int32_t>();
      if (length < 0) bad("an int of {} bytes", length);
      return push_long(take(uint64_t(length))), true;
    }
    case 'I': {
      const std::string_view text = line();
      if (text == "00" || text == "01") return push_integer(Kind::boolean, text == "01"), true;
      return push_decimal(text), true;
    }
    case 'L': {
      std::string_view text = line();
      if (!text.empty() && text.back() == 'L') text.remove_suffix(1);
      return push_decimal(text), true;
    }
    case 'G': {  // big-endian
      uint64_t bits = 0;
      for (const char byte : take(8)) bits = bits << 8 | uint8_t(byte);
      push(Kind::real);
      graph_.nodes_.back().real = std::bit_cast<double>(bits);
      return true;
    }
    case 'F':
      return push_real(line()), true;
    case 0x80: {  // PROTO
      const uint8_t protocol = little_endian<uint8_t>();
      if (protocol > 5) bad("protocol {} is unknown, 0 .. 5 are supported", protocol);
      return true;
    }
    case 0x95: {  // FRAME
      const uint64_t bytes = little_endian<uint64_t>();
      if (bytes > input_.size() - at_) bad("a frame of {} bytes, {} are left", bytes, input_.size() - at_);
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::string(uint8_t opcode) {
  const auto decoded = [&](bool (*decode)(std::string_view, std::string*), const char* what) {
    std::string text;
    if (!decode(line(), &text)) bad("the line is not {}", what);
    return keep(std::move(text));
  };
  switch (opcode) {
    case 'X':
      return push_string(Kind::text, take(little_endian<uint32_t>())), true;
    case 0x8C:
      return push_string(Kind::text, take(little_endian<uint8_t>())), true;
    case 0x8D:
      return push_string(Kind::text, take(little_endian<uint64_t>())), true;
    case 'V':
      return push_string(Kind::text, decoded(decode_raw_unicode, "raw-unicode-escape")), true;
    case 'U':
      return push_string(Kind::byte_string, take(little_endian<uint8_t>())), true;
    case 'T': {
      const int32_t length = little_endian<int32_t>();
      if (length < 0) bad("a string of {} bytes", length);
      return push_string(Kind::byte_string, take(uint64_t(length))), true;
    }
    case 'S':
      return push_string(Kind::byte_string, decoded(decode_repr, "a quoted string")), true;
    case 'C':
      return push_string(Kind::bytes, take(little_endian<uint8_t>())), true;
    case 'B':
      return push_string(Kind::bytes, take(little_endian<uint32_t>())), true;
    case 0x8E:  // BINBYTES8
    case 0x96:  // BYTEARRAY8
      return push_string(Kind::bytes, take(little_endian<uint64_t>())), true;
    default:
      return false;
  }
}

}  // namespace kiln::io
