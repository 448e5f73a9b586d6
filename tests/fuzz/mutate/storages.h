#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::fuzz {

// A storage as a pickle's persistent ids name it: ('storage', class, key, device, count).
struct NamedStorage {
  std::string key;
  int64_t count = 0;  // elements
  size_t bytes = 0;
};

// Each key once, in the order of the pickle, up to 32 KiB in all. Empty for what is no pickle.
std::vector<NamedStorage> named_storages(std::string_view pickle);

// What lies in a storage of that key: zeros, which are indices, or ones.
inline char filling(std::string_view key) { return !key.empty() && key.back() % 2 == 0 ? '\0' : '\1'; }

}  // namespace kiln::fuzz
