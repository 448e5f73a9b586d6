#pragma once

// Internal: the stack machine behind parse_pickle.

#include <unordered_map>

#include <kiln/io/pickle/pickle.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {

class PickleMachine {
 public:
  PickleMachine(std::string_view input, std::string origin, const PickleLimits& limits);
  PickleGraph run();

 private:
  using Id = PickleGraph::Id;
  using Kind = PickleGraph::Kind;

  // Each runs the opcode if it is one of its group.
  bool number(uint8_t opcode);
  bool string(uint8_t opcode);
  bool container(uint8_t opcode);
  bool stack_or_memo(uint8_t opcode);
  bool object(uint8_t opcode);

  // Input. All check that the bytes are there.
  std::string_view take(uint64_t bytes);
  std::string_view line();
  template <class T>
  T little_endian();

  // Text of protocol 0.
  void push_decimal(std::string_view digits);
  void push_real(std::string_view text);
  std::string_view keep(std::string text);

  // New nodes.
  Id add(Kind kind);
  void push(Kind kind) { stack_.push_back(add(kind)); }
  void push_integer(Kind kind, int64_t value);
  void push_long(std::string_view bytes);
  void push_string(Kind kind, std::string_view text);
  void push_list(Kind kind, std::vector<Id> items);
  void push_tuple(size_t count);
  void push_global(std::string_view module, std::string_view name);
  bool push_bytes_of_call(Id callable, std::span<const Id> arguments);
  void push_object(Id callable, Id arguments, Id named = PickleGraph::kNothing);

  // The stack.
  Id pop();
  Id top();
  size_t count_to_mark() const;
  std::vector<Id> pop_to_mark();
  PickleGraph::Object& growing_object();
  std::vector<Id>& growing_items(Kind wanted);
  std::vector<Id>& growing_pairs();
  void memoize(int64_t key);
  void recall(int64_t key);
  int64_t memo_key(std::string_view text);

  template <class... Args>
  [[noreturn]] void bad(const char* format, const Args&... args) const;
  [[noreturn]] void bad_sentence(std::string sentence) const;

  std::string_view input_;
  PickleLimits limits_;
  PickleGraph graph_;
  size_t at_ = 0, opcode_at_ = 0, decoded_bytes_ = 0;
  int64_t data_bytes_ = 0;
  std::vector<Id> stack_;
  std::vector<size_t> marks_;
  // Picklers count from 0; other keys are legal.
  host::Vector<Id> memo_;
  std::unordered_map<int64_t, Id, NumberHash> far_memo_;
  int64_t memo_count_ = 0;
};

// What repr() of a Python float gives, and the forms that float() reads with a sign or a large exponent;
// false for what is none.
bool decode_real(std::string_view text, double* value);
// The first characters of what an Error quotes from the input; others than printable ASCII appear as '?'.
std::string quotable(std::string_view text);
// Python's raw-unicode-escape (of UNICODE) and repr of a byte string (of STRING), decoded; nothing when it is
// not well formed.
bool decode_raw_unicode(std::string_view line, std::string* text);
bool decode_repr(std::string_view line, std::string* text);
// The bytes whose code points a text of UTF-8 holds; nothing when one is beyond 255.
bool decode_latin1(std::string_view text, std::string* bytes);
// A decimal integer of any size as two's complement, little-endian; nothing when it is none.
bool decode_decimal(std::string_view digits, std::string* bytes);

}  // namespace kiln::io
