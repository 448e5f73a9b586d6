#pragma once

// Internal: one program at a labels file.

#include <string>

namespace kiln::annotate {

// Held while it lives. Throws an Error that names the process that has it. The system lets go of it when a
// program is killed.
class LabelsLock {
 public:
  explicit LabelsLock(const std::string& labels);
  ~LabelsLock();
  LabelsLock(const LabelsLock&) = delete;
  LabelsLock& operator=(const LabelsLock&) = delete;

 private:
  int file_;
};

}  // namespace kiln::annotate
