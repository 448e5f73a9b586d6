#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>

#include <kiln/io/load.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/train/checkpoints.h>
#include <support/files.h>

using namespace kiln;
using test::contains;
using test::error_of;
using test::TemporaryFolder;
using train::Better;
using train::Checkpoints;

namespace {

// A run whose whole state is two numbers.
struct Run {
  int64_t epoch = 0;
  double weight = 0;
  Checkpoints checkpoints;

  explicit Run(const std::string& folder,
               Checkpoints::Options options = {.keep_last = 2, .best = {"accuracy"}})
      : checkpoints(folder, std::move(options)) {
    checkpoints.add("epoch", epoch).add("weight", weight);
  }
  void save(int64_t step, double accuracy) {
    epoch = step;
    weight = 10.0 * double(step);
    checkpoints.save(step, {{"accuracy", accuracy}});
  }
};

std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
}

std::string name_of(int64_t step) { return fmt::format("checkpoint-{:08}.kiln", step); }

// Steps 1 to 5, of which 2 is best; 2, 4 and 5 stay.
std::string five(const TemporaryFolder& folder) {
  std::string path = folder / "deep/run";
  Run run(path);
  const double accuracies[] = {0.1, 0.9, 0.3, 0.4, 0.5};
  for (int64_t step = 1; step <= 5; ++step) run.save(step, accuracies[step - 1]);
  return path;
}

}  // namespace

TEST_CASE("checkpoints: the last ones and the best stay, and come back") {
  const TemporaryFolder folder;
  {
    Run nothing(folder / "none");
    CHECK_FALSE(nothing.checkpoints.resume());
    CHECK_FALSE(nothing.checkpoints.load_best());
    CHECK_FALSE(nothing.checkpoints.latest());
    CHECK_FALSE(std::filesystem::exists(folder / "none"));
  }
  const std::string path = five(folder);
  CHECK(names_in(path) == std::set{name_of(2), name_of(4), name_of(5)});
  Run run(path);
  REQUIRE(run.checkpoints.resume());
  CHECK(run.epoch == 5);
  CHECK(run.weight == 50);
  REQUIRE(run.checkpoints.load_best());
  CHECK(run.epoch == 2);
  const auto best = run.checkpoints.best(), latest = run.checkpoints.latest();
  REQUIRE(best);
  CHECK(best->step == 2);
  CHECK(best->metrics.at("accuracy").as_float() == 0.9);
  CHECK(best->path == path + "/" + name_of(2));
  CHECK(latest->step == 5);
  CHECK(run.checkpoints.skipped().empty());
  // A single file is a Checkpoint and a file like any other.
  int64_t epoch = 0;
  train::Checkpoint(latest->path).add("epoch", epoch).load();
  CHECK(epoch == 5);
  CHECK(io::load(latest->path).at("_saved/step").as_int() == 5);
}

TEST_CASE("checkpoints: which is best") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  struct Row {
    Better better;
    std::vector<double> scores;
    int64_t best;
  };
  const Row rows[] = {{Better::higher, {1, 3, 2}, 2},
                      {Better::lower, {1, 3, 2}, 1},
                      {Better::higher, {2, 2, 1}, 2},
                      {Better::higher, {nan, 1, nan}, 2},
                      {Better::lower, {nan, 1, nan}, 2},
                      {Better::higher, {nan, nan, nan}, 0},
                      {Better::lower, {5, -std::numeric_limits<double>::infinity(), 7}, 2}};
  for (const Row& row : rows) {
    const TemporaryFolder folder;
    Run run(folder.path(), {.keep_last = 1, .best = {"accuracy", row.better}});
    for (size_t i = 0; i < row.scores.size(); ++i) run.save(int64_t(i) + 1, row.scores[i]);
    const auto best = run.checkpoints.best();
    CHECK((best ? best->step : 0) == row.best);
    CHECK(run.checkpoints.latest()->step == 3);
    CHECK(names_in(folder.path()).size() == (row.best == 0 || row.best == 3 ? 1 : 2));
  }
}

TEST_CASE("checkpoints: the newest whole one is found, wherever the newest was cut") {
  const TemporaryFolder folder;
  const std::string path = five(folder), newest = path + "/" + name_of(5);
  const std::string whole = test::read_file(newest);
  for (size_t length = 0; length < whole.size(); length += 1 + length / 16) {
    CAPTURE(length);
    test::write_file(newest, whole.substr(0, length));
    Run run(path);
    REQUIRE(run.checkpoints.resume());
    CHECK(run.epoch == 4);
    REQUIRE(run.checkpoints.skipped().size() == 1);
    CHECK(contains(run.checkpoints.skipped()[0], newest));
    CHECK(run.checkpoints.best()->step == 2);
  }
  // A flipped bit anywhere.
  for (size_t at = 0; at < whole.size(); at += 7) {
    CAPTURE(at);
    std::string bad = whole;
    bad[at] = char(bad[at] ^ 4);
    test::write_file(newest, bad);
    Run run(path);
    REQUIRE(run.checkpoints.resume());
    CHECK(run.epoch == 4);
    CHECK(run.checkpoints.skipped().size() == 1);
  }
  test::write_file(newest, std::string(whole.size(), '\0'));
  CHECK(Run(path).checkpoints.latest()->step == 4);
  // The run goes on: step 5 is written again.
  Run run(path);
  run.checkpoints.resume();
  run.save(5, 0.95);
  CHECK(run.checkpoints.latest()->step == 5);
  CHECK(run.checkpoints.best()->step == 5);
  CHECK(run.checkpoints.skipped().empty());
  CHECK(names_in(path) == std::set{name_of(4), name_of(5)});
}

TEST_CASE("checkpoints: a damaged best gives way to the next") {
  const TemporaryFolder folder;
  const std::string path = five(folder), best = path + "/" + name_of(2);
  const std::string whole = test::read_file(best);
  test::write_file(best, whole.substr(0, whole.size() / 2));
  Run run(path);
  REQUIRE(run.checkpoints.load_best());
  CHECK(run.epoch == 5);
  CHECK(run.checkpoints.skipped().size() == 1);
  CHECK(run.checkpoints.latest()->step == 5);
  // Saving removes it: it is older than all that stay.
  run.save(6, 0.2);
  CHECK(names_in(path) == std::set{name_of(5), name_of(6)});
}

TEST_CASE("checkpoints: all damaged is none, and each is reported") {
  const TemporaryFolder folder;
  const std::string path = five(folder);
  const auto damage = [&](const std::string& name) { test::write_file(path + "/" + name, "x"); };
  std::ranges::for_each(names_in(path), damage);
  Run run(path);
  run.epoch = 77;
  CHECK_FALSE(run.checkpoints.resume());
  CHECK(run.epoch == 77);
  CHECK(run.checkpoints.skipped().size() == 3);
  // Damaged files take nobody's place.
  run.save(6, 0.5);
  CHECK(run.checkpoints.latest()->step == 6);
}

TEST_CASE("checkpoints: strangers in the folder are left alone") {
  const TemporaryFolder folder;
  const std::string path = five(folder);
  io::save(path + "/" + name_of(9), {{"no", "checkpoint"}});
  std::filesystem::copy_file(path + "/" + name_of(4), path + "/" + name_of(8));
  for (const char* name : {"notes.txt", "checkpoint-.kiln", "checkpoint-1a.kiln", "checkpoint--1.kiln",
                           "checkpoint-00000001.kiln.bak", "checkpoint-99999999999999999999.kiln"})
    test::write_file(path + "/" + name, "x");
  std::filesystem::create_directories(path + "/" + name_of(7));
  Run run(path);
  CHECK(run.checkpoints.latest()->step == 5);
  CHECK(run.checkpoints.skipped().size() == 3);
  run.save(6, 0.1);
  const std::set<std::string> names = names_in(path);
  CHECK(names.contains("notes.txt"));
  CHECK(names.contains("checkpoint-1a.kiln"));
  CHECK(names.contains(name_of(9)));
  CHECK_FALSE(names.contains(name_of(4)));
}

TEST_CASE("checkpoints: what a killed program left is removed") {
  const TemporaryFolder folder;
  const std::string path = five(folder);
  test::write_file(path + "/." + name_of(6) + ".4242-0.tmp", "half of a checkp");
  test::write_file(path + "/.other.tmp", "not ours");
  Run run(path);
  CHECK(run.checkpoints.latest()->step == 5);
  CHECK(names_in(path) == std::set{std::string(".other.tmp"), name_of(2), name_of(4), name_of(5)});
}

TEST_CASE("checkpoints: what cannot be is said") {
  const TemporaryFolder folder;
  CHECK(contains(error_of([&] { Run(folder.path(), {.keep_last = 0}); }), "keep_last is 0"));
  Run run(folder.path());
  CHECK(contains(error_of([&] { run.checkpoints.save(1); }), "lack 'accuracy', which tells the best"));
  CHECK(contains(error_of([&] { run.checkpoints.save(-1, {{"accuracy", 1}}); }), "step -1 is negative"));
  CHECK(contains(error_of([&] { run.checkpoints.save(1, {{"accuracy", "high"}}); }), "not a number"));
  CHECK(contains(error_of([&] { run.checkpoints.save(1, Value::list()); }), "metrics are a dict"));
  Checkpoints plain(folder.path());
  int64_t number = 0;
  plain.add("_saved", number);
  CHECK(contains(error_of([&] { plain.save(1); }), "'_saved' is a name of its own"));
  CHECK(contains(error_of([&] { plain.best(); }), "best() needs a metric"));
  CHECK(names_in(folder.path()).empty());
  io::save(folder / "file", {{"x", 1}});
  CHECK(contains(error_of([&] { Checkpoints(folder / "file/run").save(1); }), "the folder cannot be made"));
}
