#include "support/disk/crash_states.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include <kiln/tensor/base/error.h>
#include <kiln/tensor/fmt.h>

namespace kiln::test {
namespace {

using Kind = Change::Kind;

Expected after(Expected expected, const Change& change) {
  if (change.kind == Kind::begins) expected.unsure.push_back(change.save);
  if (change.kind == Kind::ends) {
    expected.ended.push_back(change.save);
    std::erase(expected.unsure, change.save);
  }
  return expected;
}

uint64_t hash_of(const std::string& text) { return std::hash<std::string>()(text); }

uint64_t hash_of(const std::string& name, const Expected& expected) {
  return hash_of(
      fmt::format("{} {} {}", name, fmt::join(expected.ended, ","), fmt::join(expected.unsure, ",")));
}

// Of all changes up to one, from that of those before it.
uint64_t hash_of(uint64_t before, const Change& change) {
  return hash_of(fmt::format("{} {} {} {} {} {} {} {}", before, int(change.kind), change.path, change.to,
                             change.file, change.at, change.save, hash_of(change.bytes)));
}

std::string listing(const DiskState& state) {
  std::string text;
  for (const auto& [path, content] : state.files)
    text += fmt::format("{}{} ({} bytes)", text.empty() ? "" : ", ", path, content->bytes.size());
  return text;
}

}  // namespace

void CrashStates::look(const Series& series, const Recording& recording, int torn, int64_t from) {
  constexpr uint64_t kSeed = 11;
  Disk disk(torn, kSeed);
  Expected expected;
  bool begun = false;
  uint64_t moment = hash_of(series.name);
  for (const Change& change : recording.changes) {
    begun |= change.kind == Kind::begins && change.save >= from;
    disk.apply(change);
    expected = after(std::move(expected), change);
    moment = hash_of(moment, change);
    if (!begun || !moments_seen_.insert(moment).second) continue;
    ++moments;
    disk.each_state([&](const DiskState& state) { look_at(series, state, expected); });
  }
}

void CrashStates::look_at(const Series& series, const DiskState& state, const Expected& expected) {
  using Temporaries = DiskState::Temporaries;
  ++states;
  const uint64_t asked = hash_of(series.name, expected);
  if (!seen_.insert(state.hash() ^ asked).second) return;
  ++distinct;
  readable += readable_seen_.insert(state.hash(Temporaries::nothing) ^ asked).second;
  stage_.show(state);
  std::string complaint = series.complaint(stage_.folder(), expected);
  if (names_seen_.insert(state.hash(Temporaries::names) ^ asked).second && complaint.empty())
    complaint = go_on(series, expected);
  if (complaint.empty()) return;
  ++bad;
  constexpr size_t kFew = 5;
  if (complaints.size() < kFew)
    complaints.push_back(fmt::format("{}: {}; there is {}", series.name, complaint, listing(state)));
}

// The next run saves as if nothing had happened, and clears up.
std::string CrashStates::go_on(const Series& series, const Expected& expected) {
  int64_t last = expected.ended.empty() ? 0 : expected.ended.back();
  for (const int64_t save : expected.unsure) last = std::max(last, save);
  Expected then = expected;
  then.ended.push_back(last + 1);
  std::string complaint;
  try {
    series.begin(stage_.folder())(last + 1);
    complaint = series.complaint(stage_.folder(), then);
    if (const std::string left = temporary_in(stage_.folder()); !left.empty()) complaint = left + " is left";
  } catch (const Error& error) {
    complaint = error.what();
  }
  stage_.clear();
  return complaint.empty() ? "" : "the next save: " + complaint;
}

void CrashStates::report() const {
  MESSAGE(summary());
  for (const std::string& complaint : complaints) MESSAGE(complaint);
  CHECK(states > 0);
  CHECK(bad == 0);
}

std::string CrashStates::summary() const {
  return fmt::format(
      "{} moments, {} states, {} of them distinct, {} also without their temporary files, {} bad", moments,
      states, distinct, readable, bad);
}

void check_crashes(const std::vector<Series>& all, int torn) {
  CrashStates crashes;
  for (const Series& series : all) crashes.look(series, record(series), torn);
  crashes.report();
}

void check_crashes_after_faults(const std::vector<Series>& all, const std::vector<int64_t>& failing) {
  CrashStates crashes;
  int64_t faults = 0;
  for (const Series& series : all)
    for (const int64_t save : failing)
      faults += each_fault(series, save, [&](const Fault& fault, const Recording& recording) {
        CHECK(wrong_end(fault, save, recording) == "");
        crashes.look(series, recording, 0, save);
      });
  MESSAGE(faults, " calls that fail");
  crashes.report();
}

void check_syncing(const std::vector<Series>& all) {
  for (const Series& series : all)
    for (const Kind forgotten : {Kind::sync_file, Kind::sync_folder}) {
      CAPTURE(series.name);
      CAPTURE(int(forgotten));
      Recording recording = record(series);
      std::erase_if(recording.changes, [&](const Change& change) { return change.kind == forgotten; });
      CrashStates crashes;
      crashes.look(series, recording, 0);
      CHECK(crashes.bad > 0);
    }
}

}  // namespace kiln::test
