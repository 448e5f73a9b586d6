#include "examples/run.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace kiln::test {

Result run(const Folder& folder, std::vector<std::string> words, int signal,
           const std::function<void()>& wait) {
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
    wait();
    ::kill(child, signal);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::ifstream file(log);
  std::stringstream text;
  text << file.rdbuf();
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), text.str()};
}

std::function<void()> milliseconds(int count) {
  return [count] { std::this_thread::sleep_for(std::chrono::milliseconds(count)); };
}

std::function<void()> first_checkpoint(const Folder& folder, const std::string& out) {
  return [path = folder.path() + "/" + out + "/checkpoint.kiln"] {
    for (int i = 0; i < 60000 && !std::filesystem::exists(path); ++i) milliseconds(1)();
  };
}

void write_file(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
}

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

Words fashion(const std::string& out, bool resume, const Words& more) {
  Words words = {"fashion_mnist", "--data", ".", "--out", out, "--epochs", "3", "--save-every", "2"};
  if (resume) words.push_back("--resume");
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Value end_of(const Folder& folder, const std::string& out) {
  return io::load(folder.path() + "/" + out + "/checkpoint.kiln");
}

std::vector<double> losses(const Folder& folder, const std::string& out, const Words& more) {
  const Result result = run(folder, fashion(out, false, more));
  REQUIRE_MESSAGE(result.status == 0, result.output);
  const Value end = end_of(folder, out);
  std::vector<double> values;
  for (const Value& loss : end.at("losses").items()) values.push_back(loss.as_float());
  REQUIRE(values.size() == 3);
  return values;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

}  // namespace kiln::test
