#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <kiln/kiln.h>
#include <support/files.h>
#include <support/skip.h>

using namespace kiln;

namespace {

constexpr int kTrain = 640, kTest = 100;

using Folder = test::TemporaryFolder;

struct Result {
  int status;  // exit status, or minus the signal
  std::string output;
};

// Runs a program in the folder; kills it with `signal` after `milliseconds` unless that is 0.
Result run(const Folder& folder, std::vector<std::string> words, int signal = 0, int milliseconds = 0) {
  const std::string log = folder.path() + "/log";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::chdir(folder.path().c_str()) != 0 || std::freopen("log", "w", stdout) == nullptr ||
        ::dup2(1, 2) < 0)
      ::_exit(99);
    words[0] = std::string(KILN_EXAMPLES) + "/" + words[0];
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(98);
  }
  if (signal != 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    ::kill(child, signal);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::ifstream file(log);
  std::stringstream text;
  text << file.rdbuf();
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), text.str()};
}

void write_file(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
}

// Images whose brightness grows with their label, with noise.
uint8_t pixel(Generator& generator, int label) { return uint8_t(20 * label + int(generator.next() % 40)); }

void write_idx(const std::string& folder, const std::string& part, int count) {
  Generator generator{uint64_t(count)};
  std::vector<uint8_t> images = {0, 0,  8, 3, 0, 0, uint8_t(count >> 8), uint8_t(count), 0, 0,
                                 0, 28, 0, 0, 0, 28};
  std::vector<uint8_t> labels = {0, 0, 8, 1, 0, 0, uint8_t(count >> 8), uint8_t(count)};
  for (int i = 0; i < count; ++i) {
    labels.push_back(uint8_t(i % 10));
    for (int p = 0; p < 28 * 28; ++p) images.push_back(pixel(generator, i % 10));
  }
  write_file(folder + "/" + part + "-images-idx3-ubyte", images);
  write_file(folder + "/" + part + "-labels-idx1-ubyte", labels);
}

void write_fashion(const Folder& folder) {
  write_idx(folder.path(), "train", kTrain);
  write_idx(folder.path(), "t10k", kTest);
}

std::vector<std::string> fashion(const std::string& out, bool resume) {
  std::vector<std::string> words = {"fashion_mnist", "--data", ".", "--out", out, "--epochs", "3",
                                    "--save-every",  "2"};
  if (resume) words.push_back("--resume");
  return words;
}

Value end_of(const Folder& folder, const std::string& out) {
  return io::load(folder.path() + "/" + out + "/checkpoint.kiln");
}

}  // namespace

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
      run(folder, fashion(out, resume), SIGKILL, int(generator.next() % uint64_t(took)));
    const Result end = run(folder, fashion(out, true));
    REQUIRE_MESSAGE(end.status == 0, end.output);
    CHECK(end.output.substr(end.output.rfind("test accuracy: ")) == last);
    CHECK(end_of(folder, out) == expected);
  }
}

TEST_CASE("fashion_mnist trains on a GPU as on the CPU, with and without a graph") {
  if (!cuda_is_available()) return test::skip("there is no CUDA device");
  const Folder folder;
  write_idx(folder.path(), "train", 4 * 64 + 30);  // four steps of one size and a smaller one
  write_idx(folder.path(), "t10k", 50);
  const auto losses = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> words = fashion(out, false);
    words.insert(words.end(), more.begin(), more.end());
    const Result result = run(folder, words);
    REQUIRE_MESSAGE(result.status == 0, result.output);
    const Value end = end_of(folder, out);
    std::vector<double> values;
    for (const Value& loss : end.at("losses").items()) values.push_back(loss.as_float());
    return values;
  };
  const std::vector<double> expected = losses("cpu", {"--device", "cpu"});
  const std::vector<double> usual = losses("cuda", {"--device", "cuda"});
  const std::vector<double> graph = losses("graph", {"--device", "cuda", "--graph"});
  REQUIRE(expected.size() == 3);
  REQUIRE(usual.size() == 3);
  for (size_t i = 0; i < expected.size(); ++i) CHECK(std::abs(usual[i] - expected[i]) <= 1e-3);
  CHECK(graph == usual);
  CHECK(end_of(folder, "graph").at("optimizer") == end_of(folder, "cuda").at("optimizer"));

  const Result refused = run(folder, {"fashion_mnist", "--data", ".", "--device", "cpu", "--graph"});
  CHECK(refused.status == 1);
  CHECK(refused.output.find("a graph needs a GPU, the device is cpu") != std::string::npos);
}

TEST_CASE("Ctrl-C finishes the step, writes the checkpoint and ends with 130") {
  const Folder folder;
  write_fashion(folder);
  auto words = fashion("out", false);
  words[6] = "1000";
  CHECK(run(folder, words, SIGINT, 1500).status == 130);
  CHECK(end_of(folder, "out").at("step").as_int() > 0);
}

TEST_CASE("bad input gives one message and exit status 1") {
  const Folder folder;
  const Result missing = run(folder, {"fashion_mnist", "--data", "nowhere"});
  CHECK(missing.status == 1);
  CHECK(missing.output.find("nowhere") != std::string::npos);
  write_fashion(folder);
  CHECK(run(folder, {"fashion_mnist", "--data", ".", "--device", "gpu"}).status == 1);
  std::filesystem::resize_file(folder.path() + "/train-images-idx3-ubyte", 5000);
  const Result truncated = run(folder, {"fashion_mnist", "--data", "."});
  CHECK(truncated.status == 1);
  CHECK(truncated.output.find("train-images-idx3-ubyte") != std::string::npos);
}

TEST_CASE("fashion_mnist refuses the checkpoint of another model") {
  const Folder folder;
  write_fashion(folder);
  std::filesystem::create_directories(folder.path() + "/out");
  io::save(folder.path() + "/out/checkpoint.kiln", {{"model", StateDict{{"weight", tensor({1.f})}}}});
  const Result result = run(folder, fashion("out", true));
  CHECK(result.status == 1);
  CHECK(result.output.find("checkpoint.kiln") != std::string::npos);
}

TEST_CASE("cifar10 trains on the binary layout") {
  const Folder folder;
  Generator generator(1);
  for (const char* name :
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
    std::vector<uint8_t> records;
    for (int i = 0; i < 60; ++i) {
      records.push_back(uint8_t(i % 10));
      for (int p = 0; p < 3072; ++p) records.push_back(pixel(generator, i % 10));
    }
    write_file(folder.path() + "/" + name + ".bin", records);
  }
  const Result result = run(folder, {"cifar10", "--data", ".", "--epochs", "1"});
  CHECK_MESSAGE(result.status == 0, result.output);
  CHECK(result.output.find("test accuracy: ") != std::string::npos);
  CHECK(io::load(folder.path() + "/cifar10.kiln").as_state_dict().contains("conv3.weight"));
}
