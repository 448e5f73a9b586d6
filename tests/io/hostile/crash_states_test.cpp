#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "io/hostile/crash_series.h"
#include "support/disk/crash_states.h"

// What a power failure may leave of saves, at any moment of them, with and without calls of the system that
// fail. KILN_CRASHES is how many torn files are looked at for each moment.

namespace kiln {
namespace {

using test::CrashStates;
using test::Fault;
using test::Recording;
using test::Series;
using test::series_of;
using Kind = test::Change::Kind;

int torn_files() {
  const char* wanted = std::getenv("KILN_CRASHES");
  constexpr int kFew = 40, kEach = 20;
  return kEach * (wanted != nullptr ? std::atoi(wanted) : kFew);
}

std::vector<Series> all_series() {
  std::vector<Series> all;
  for (const char* ending : {".kiln", ".pth", ".safetensors", ".npz", ".npy"})
    all.push_back(series_of(ending, {{100}, {2500}, {700}}));
  for (const char* ending : {".pth", ".safetensors"}) {
    all.push_back(series_of(ending, {{100, true}, {300, true}, {50, true}}));
    all.push_back(series_of(ending, {{100, true}, {300}, {50, true}}));
    all.push_back(series_of(ending, {{100}, {300, true}, {50}}));
  }
  return all;
}

}  // namespace

TEST_CASE("crash states: the newest or the previous file loads") {
  CrashStates crashes;
  for (const Series& series : all_series()) crashes.look(series, record(series), torn_files());
  crashes.report();
}

TEST_CASE("crash states: where calls of the system failed before") {
  CrashStates crashes;
  int64_t faults = 0;
  for (const Series& series : all_series())
    for (const int64_t failing : {1, 2})
      faults += each_fault(series, failing, [&](const Fault& fault, const Recording& recording) {
        CHECK(wrong_end(fault, failing, recording) == "");
        crashes.look(series, recording, 0, failing);
      });
  MESSAGE(faults, " calls that fail");
  crashes.report();
}

TEST_CASE("crash states: savers that do not sync are found out") {
  for (const Series& series : {series_of(".kiln", {{100}, {300}}), series_of(".pth", {{100}, {300}}),
                               series_of(".safetensors", {{100, true}, {300, true}, {50}, {30, true}})})
    for (const Kind forgotten : {Kind::sync_file, Kind::sync_folder}) {
      CAPTURE(series.name);
      CAPTURE(int(forgotten));
      Recording recording = record(series);
      std::erase_if(recording.changes, [&](const test::Change& change) { return change.kind == forgotten; });
      CrashStates crashes;
      crashes.look(series, recording, 0);
      CHECK(crashes.bad > 0);
    }
}

}  // namespace kiln
