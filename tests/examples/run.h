#pragma once

#include <functional>
#include <string>
#include <vector>

#include <kiln/kiln.h>
#include <support/files.h>

// The example programs as a user runs them, on small data made here.

namespace kiln::test {

inline constexpr int kTrain = 640, kTest = 100;  // images of write_fashion

using Folder = TemporaryFolder;
using Words = std::vector<std::string>;

struct Result {
  int status;  // exit status, or minus the signal
  std::string output;
};

// Runs a program in the folder; sends it `signal`, unless that is 0, when `wait` returns.
Result run(const Folder& folder, std::vector<std::string> words, int signal = 0,
           const std::function<void()>& wait = {});

std::function<void()> milliseconds(int count);

// Until the program has saved once, for a minute at most.
std::function<void()> first_checkpoint(const Folder& folder, const std::string& out);

void write_file(const std::string& path, const std::vector<uint8_t>& bytes);

// Of an image whose brightness grows with its label, with noise.
uint8_t pixel(Generator& generator, int label);

// A part of Fashion-MNIST.
void write_idx(const std::string& folder, const std::string& part, int count);
void write_fashion(const Folder& folder);

// The words of a run of three epochs.
Words fashion(const std::string& out, bool resume, const Words& more = {});

// What a run left.
Value end_of(const Folder& folder, const std::string& out);

// The mean loss of each epoch of a run.
std::vector<double> losses(const Folder& folder, const std::string& out, const Words& more);

double distance(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace kiln::test
