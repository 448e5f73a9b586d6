#pragma once

#include <cstdint>
#include <string>
#include <vector>

// Pieces of pickles of protocol 2.

namespace kiln::test {

inline std::string text(const std::string& s) {
  return "X" + std::string(1, char(s.size())) + std::string(3, '\0') + s;
}
inline std::string number(int64_t n) {
  std::string out = "\x8a\x08";
  for (int i = 0; i < 8; ++i) out += char(uint64_t(n) >> (8 * i));
  return out;
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string out = "(";
  for (const std::string& item : items) out += item;
  return out + "t";
}
inline std::string numbers(const std::vector<int64_t>& list) {
  std::vector<std::string> items;
  for (const int64_t n : list) items.push_back(number(n));
  return tuple(items);
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string call(const std::string& module, const std::string& name,
                        const std::vector<std::string>& arguments) {
  return global(module, name) + tuple(arguments) + "R";
}
// What names a storage of torch.save's archive.
inline std::string storage(const std::string& type, const std::string& key, int64_t count) {
  return tuple({text("storage"), global("torch", type + "Storage"), text(key), text("cpu"), number(count)}) +
         "Q";
}

}  // namespace kiln::test
