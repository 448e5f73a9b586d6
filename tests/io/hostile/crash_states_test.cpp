#include <doctest/doctest.h>

#include <cstdlib>

#include "io/hostile/crash_series.h"
#include "support/disk/crash_states.h"

// What a power failure may leave of saves, at any moment of them, with and without calls of the system that
// fail. KILN_CRASHES is how many torn files are looked at for each moment.

namespace kiln {
namespace {

using test::Series;
using test::series_of;

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
  test::check_crashes(all_series(), torn_files());
}

TEST_CASE("crash states: where calls of the system failed before") {
  test::check_crashes_after_faults(all_series(), {1, 2});
}

TEST_CASE("crash states: savers that do not sync are found out") {
  test::check_syncing({series_of(".kiln", {{100}, {300}}), series_of(".pth", {{100}, {300}}),
                       series_of(".safetensors", {{100, true}, {300, true}, {50}, {30, true}})});
}

}  // namespace kiln
