#pragma once

// Internal: one writer of a folder at a time.

#include <string>

namespace kiln::serve {

// Held while it lives; waits for others, threads of this program too. The system lets go of it when a program
// is killed.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace kiln::serve
