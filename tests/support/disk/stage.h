#pragma once

#include <string>

#include "support/disk/disk.h"
#include "support/files.h"

namespace kiln::test {

// Real files as they are in a state of a disk, one state after the other, in a folder in memory where the
// system has one.
class Stage {
 public:
  Stage();
  const std::string& folder() const { return folder_.path(); }
  void show(const DiskState& state);
  // To be called when somebody else changed the folder.
  void clear();

 private:
  TemporaryFolder folder_;
  DiskState shown_;
};

// A temporary file that a save left anywhere in the folder; "" where there is none.
std::string temporary_in(const std::string& folder);

}  // namespace kiln::test
