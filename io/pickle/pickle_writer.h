#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {

// Internal: puts a Python pickle together, opcode by opcode, in protocol 2 (PEP 307), the one that every
// version of PyTorch loads with weights_only=True. Strings and globals that come again are said once.
class PickleWriter {
 public:
  PickleWriter();

  void none() { text_ += 'N'; }
  void boolean(bool value) { text_ += value ? '\x88' : '\x89'; }
  void integer(int64_t value);
  void real(double value);
  // Two's complement, little-endian.
  void big_integer(std::string_view bytes);
  void string(std::string_view utf8);
  void bytes(std::string_view data);
  // A class, function or other name in a module.
  void global(const std::string& module, const std::string& name);

  void empty_tuple() { text_ += ')'; }
  void empty_list() { text_ += ']'; }
  void empty_dict() { text_ += '}'; }
  // Opens what one of the three below closes: the elements of a tuple, those that are appended to a list, or
  // the keys and values that are put into a dict.
  void mark() { text_ += '('; }
  void tuple() { text_ += 't'; }
  void append() { text_ += 'e'; }
  void put_items() { text_ += 'u'; }

  // Gives the object below the state on top.
  void build() { text_ += 'b'; }
  // Calls what lies below with the tuple on top.
  void reduce() { text_ += 'R'; }
  // The tuple on top refers to something outside.
  void persistent() { text_ += 'Q'; }

  // Keeps what is on top, which recall() with the number that this gives puts there again.
  uint32_t remember();
  void recall(uint32_t slot);

  // The pickle; the writer is spent.
  std::string finish();

 private:
  bool recall(const std::string& what);
  void remember(const std::string& what);

  std::string text_;
  std::unordered_map<std::string, uint32_t, TextHash> memo_;
  uint32_t slots_ = 0;
};

}  // namespace kiln::io
