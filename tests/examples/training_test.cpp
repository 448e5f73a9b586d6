#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <filesystem>

#include <kiln/kiln.h>
#include <kiln/tensor/base/build_config.h>
#include <support/files.h>
#include <support/skip.h>

#include "examples/run.h"

using namespace kiln;
using namespace kiln::test;

TEST_CASE("fit_points prints the same loss for the model that was saved and the one that was loaded") {
  const Folder folder;
  const Result result = run(folder, {"fit_points"});
  CHECK(result.status == 0);
  std::stringstream lines(result.output);
  std::string first, second;
  std::getline(lines, first);
  std::getline(lines, second);
  const std::string loss = first.substr(first.find_last_of(' ') + 1);
  CHECK(loss == second.substr(second.find_last_of(' ') + 1));
  CHECK(std::stod(loss) <= 0.17);
  CHECK(std::filesystem::exists(folder.path() + "/fit_points.svg"));
}

TEST_CASE("fashion_mnist killed at any moment and resumed ends in the same bits") {
  const Folder folder;
  write_fashion(folder);
  const auto start = std::chrono::steady_clock::now();
  const Result whole = run(folder, fashion("whole", false));
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
  REQUIRE_MESSAGE(whole.status == 0, whole.output);
  const std::string last = whole.output.substr(whole.output.rfind("test accuracy: "));
  CHECK(last.find(" %\n") != std::string::npos);
  for (const char* name : {"best.kiln", "loss.svg", "accuracy.svg"})
    CHECK(std::filesystem::exists(folder.path() + "/whole/" + name));
  const Value expected = end_of(folder, "whole");

  Generator generator(5);
  for (int round = 0; round < 10; ++round) {
    const std::string out = "part" + std::to_string(round);
    for (bool resume : {false, true})  // killed twice on the way
      run(folder, fashion(out, resume), SIGKILL, milliseconds(int(generator.next() % uint64_t(took))));
    const Result end = run(folder, fashion(out, true));
    REQUIRE_MESSAGE(end.status == 0, end.output);
    CHECK(end.output.substr(end.output.rfind("test accuracy: ")) == last);
    CHECK(end_of(folder, out) == expected);
  }
}

// At the example's own rate these few steps go through a peak where the rounding of float32 alone, 1e-7,
// becomes 1e-3 and more in the loss of a later epoch: the order of sums decides, and a GPU's libraries have
// another than the CPU's (2.6e-3 on an H100). The emulated device's, which is close to the CPU's, stays
// below.
TEST_CASE("fashion_mnist trains on a GPU as on the CPU, with and without a graph") {
  if (!cuda_is_available()) return test::skip("there is no CUDA device");
  const Folder folder;
  write_idx(folder.path(), "train", 4 * 64 + 30);  // four steps of one size and a smaller one
  write_idx(folder.path(), "t10k", 50);
  const Words slowly{"--lr", "0.001", "--device"};
  const auto with = [](Words words, const char* device) {
    words.push_back(device);
    return words;
  };
  CHECK(distance(losses(folder, "slow_cuda", with(slowly, "cuda")),
                 losses(folder, "slow_cpu", with(slowly, "cpu"))) <= 1e-3);
  const std::vector<double> usual = losses(folder, "cuda", {"--device", "cuda"});
  if (kCudaEmulated) CHECK(distance(usual, losses(folder, "cpu", {"--device", "cpu"})) <= 1e-3);
  CHECK(usual == losses(folder, "graph", {"--device", "cuda", "--graph"}));
  CHECK(end_of(folder, "graph").at("optimizer") == end_of(folder, "cuda").at("optimizer"));

  const Result refused = run(folder, {"fashion_mnist", "--data", ".", "--device", "cpu", "--graph"});
  CHECK(refused.status == 1);
  CHECK(refused.output.find("a graph needs a GPU, the device is cpu") != std::string::npos);
}

// Mixed precision. Steps are small for the same reason: a half rounds 10,000 times coarser. A value next to
// the border of two halves falls on one side or the other by the order of a sum, on one device and the other
// (tests/cuda/ops/autocast_test.cpp counts them), and moves maxima of the pooling.
const Words kCalm = {"--batch-size", "16", "--lr", "0.001"};

struct Precision {
  const char* name;
  double rounding;  // of a number, relative, at most
};
const Precision kPrecisions[] = {{"bfloat16", 1.0 / 512}, {"float16", 1.0 / 2048}};

Words calm(const Words& more) {
  Words words = kCalm;
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void write_calm(const Folder& folder) {
  write_idx(folder.path(), "train", 4 * 16 + 6);  // four steps of one size and a smaller one
  write_idx(folder.path(), "t10k", 20);
}

TEST_CASE("fashion_mnist --amp trains as in float32, up to the rounding") {
  const Folder folder;
  write_calm(folder);
  const std::vector<double> expected = losses(folder, "float32", calm({"--device", "cpu"}));
  for (const Precision& precision : kPrecisions) {
    CAPTURE(precision.name);
    const std::vector<double> half =
        losses(folder, precision.name, calm({"--device", "cpu", "--amp", precision.name}));
    // Four products lead to the logits, of size 1 here; each rounds two operands and its result. Twelve
    // roundings with a standard deviation of rounding / sqrt(3) each are 2 rounding together, and the loss
    // moves by sqrt(2) of that at most (the length of its gradient): three standard deviations. The average
    // over an epoch is below it, as is what the roundings of gradients do to a loss that falls by less
    // than 1.
    CHECK(distance(half, expected) <= 3 * std::sqrt(2.0) * 2 * precision.rounding);
    CHECK(distance(half, expected) > 0);
  }
  CHECK(losses(folder, "short", calm({"--device", "cpu", "--amp"})) ==
        losses(folder, "long", calm({"--device", "cpu", "--amp=bfloat16"})));
  CHECK(end_of(folder, "float16").at("scaler/growth_interval").as_int() == 2000);
  CHECK_FALSE(end_of(folder, "bfloat16").contains("scaler"));

  const Result other = run(folder, fashion("bfloat16", true, calm({"--device", "cpu", "--amp", "float16"})));
  CHECK(other.status == 1);
  CHECK(other.output.find("scaler") != std::string::npos);
  const Result refused = run(folder, fashion("out", false, {"--amp", "int8"}));
  CHECK(refused.status != 0);
  CHECK(refused.output.find("--amp: int8 not in {bfloat16,float16}") != std::string::npos);
}

TEST_CASE("fashion_mnist --amp trains on a GPU as on the CPU, with and without a graph") {
  if (!cuda_is_available()) return test::skip("there is no CUDA device");
  const Folder folder;
  write_calm(folder);
  for (const Precision& precision : kPrecisions) {
    CAPTURE(precision.name);
    const std::string name = precision.name;
    const std::vector<double> usual = losses(folder, name, calm({"--device", "cuda", "--amp", name}));
    const std::vector<double> expected =
        losses(folder, name + "_cpu", calm({"--device", "cpu", "--amp", name}));
    CHECK(distance(usual, expected) <= 1e-3);
    CHECK(usual == losses(folder, name + "_graph", calm({"--device", "cuda", "--graph", "--amp", name})));
    const Value end = end_of(folder, name), graph_end = end_of(folder, name + "_graph");
    for (const char* state : {"model", "optimizer", "scaler"})
      if (const Value* value = end.find(state)) CHECK(*value == graph_end.at(state));
  }
}

namespace {

// A run that is killed after its first checkpoint and resumed ends as one that was not, its losses included.
void check_resume(const Folder& folder, const std::string& name, const Words& more) {
  CAPTURE(name);
  const Result whole = run(folder, fashion(name, false, more));
  REQUIRE_MESSAGE(whole.status == 0, whole.output);
  const std::string part = name + "_part";
  CHECK(run(folder, fashion(part, false, more), SIGKILL, first_checkpoint(folder, part)).status == -SIGKILL);
  const Result end = run(folder, fashion(part, true, more));
  REQUIRE_MESSAGE(end.status == 0, end.output);
  CHECK(end_of(folder, part) == end_of(folder, name));
}

// With the example's own rate gradients overflow on the way, and the scale goes down.
void check_overflow(const Folder& folder, const std::string& name) {
  CHECK(end_of(folder, name).at("scaler/scale").as_float() < 65536);
}

}  // namespace

TEST_CASE("fashion_mnist --amp that is killed and resumed ends in the same bits") {
  const Folder folder;
  write_idx(folder.path(), "train", 16 * 16 + 6);
  write_idx(folder.path(), "t10k", 20);
  for (const char* name : {"bfloat16", "float16"})
    check_resume(folder, name, {"--device", "cpu", "--batch-size", "16", "--amp", name});
  check_overflow(folder, "float16");
}

TEST_CASE("fashion_mnist --amp float16 --graph on a GPU that is killed and resumed ends in the same bits") {
  if (!cuda_is_available()) return test::skip("there is no CUDA device");
  const Folder folder;
  write_calm(folder);
  check_resume(folder, "graph", {"--device", "cuda", "--graph", "--batch-size", "16", "--amp", "float16"});
  check_overflow(folder, "graph");
}
