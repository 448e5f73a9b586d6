#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/disk/recorded_files.h"

namespace kiln::test {

// Which saves of a series a folder may hold. They are numbered from 1 on.
struct Expected {
  std::vector<int64_t> ended;   // without an error, in order: the last of them is safe
  std::vector<int64_t> unsure;  // all others that were begun

  // Whether `save` may be the newest; 0 stands for none.
  bool allows(int64_t save) const;
};

// Saves, one after the other, to the same place, and what reads them.
struct Series {
  std::string name;
  int64_t saves = 0;
  // Gives what saves to a folder: to be called with 1, 2, ..., also beyond `saves`.
  std::function<std::function<void(int64_t)>(const std::string& folder)> begin;
  // What is wrong with what a reader finds there; "" for nothing.
  std::function<std::string(const std::string& folder, const Expected& expected)> complaint;
};

struct Recording {
  std::vector<Change> changes;
  std::vector<std::string> errors;  // of each save, or ""
  std::vector<std::string> calls;   // of the system, by the save that was to fail or else the last
  std::string left;                 // a temporary file that is there after this save; "" for none
  std::string left_at_end;
};

// The series in an empty folder, where the save `failing` has a fault. Throws when the record is not what the
// folder holds in the end.
Recording record(const Series& series, int64_t failing = 0, Fault fault = {});

// Lets each call of the save `failing` fail: with some errors, by doing half of its work, and with all that
// follow. Returns how many recordings these were.
int64_t each_fault(const Series& series, int64_t failing,
                   const std::function<void(const Fault& fault, const Recording& recording)>& look);

// What is wrong with how the saves ended; "" for nothing: only the one with the fault may fail, not by half a
// write or a signal, and it leaves no temporary file where it can help it.
std::string wrong_end(const Fault& fault, int64_t failing, const Recording& recording);

}  // namespace kiln::test
