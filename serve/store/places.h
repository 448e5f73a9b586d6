#pragma once

// Internal: where things are in the folder of a store.

#include <string>
#include <vector>

namespace kiln::serve::store {

inline std::string history(const std::string& folder) { return folder + "/history.jsonl"; }
inline std::string versions(const std::string& folder) { return folder + "/versions"; }
inline std::string version(const std::string& folder, const std::string& id) {
  return versions(folder) + "/" + id;
}
inline std::string model(const std::string& folder, const std::string& id) {
  return version(folder, id) + "/model.kiln";
}
inline std::string about(const std::string& folder, const std::string& id) {
  return version(folder, id) + "/about.json";
}

// Of all versions, half-written ones too; sorted.
std::vector<std::string> names(const std::string& folder);

// Both under the lock. What is half gone is no version any more.
void remove(const std::string& folder, const std::string& id);
// Half-written versions, and files that killed writers left.
void clear_up(const std::string& folder);

}  // namespace kiln::serve::store
