#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "support/disk/disk.h"
#include "support/disk/series.h"
#include "support/disk/stage.h"

namespace kiln::test {

// Reads every state that a disk may be left in, for each moment of recordings: what a reader finds must be
// what is expected of the series, and the next save must go well.
class CrashStates {
 public:
  // `torn` is Disk's. Moments before the save `from` are left out.
  void look(const Series& series, const Recording& recording, int torn, int64_t from = 1);

  // Moments and states that were seen before, with the same expected of them, are not looked at again.
  int64_t moments = 0, states = 0, distinct = 0;
  int64_t readable = 0;  // of the distinct ones, those that differ in more than temporary files
  int64_t bad = 0;
  std::vector<std::string> complaints;  // the first ones

  // Prints all numbers; fails the test where a state was bad, or where none was looked at.
  void report() const;

 private:
  std::string summary() const;
  void look_at(const Series& series, const DiskState& state, const Expected& expected);
  std::string go_on(const Series& series, const Expected& expected);

  Stage stage_;
  std::unordered_set<uint64_t> moments_seen_, seen_, names_seen_, readable_seen_;
};

// The three questions to whatever saves; each is a part of a test and fails it.
// Every state that a power failure may leave at any moment: none is bad.
void check_crashes(const std::vector<Series>& all, int torn);
// The same where each call of the system failed, one a time, in one of the saves `failing`.
void check_crashes_after_faults(const std::vector<Series>& all, const std::vector<int64_t>& failing);
// Who does not sync files, or folders, is found out: the frame would see it.
void check_syncing(const std::vector<Series>& all);

}  // namespace kiln::test
