#pragma once

// What the planted bugs share. A bug's function returns if nobody noticed it.

#include <kiln/kernels/base/cuda/gpu.cuh>

#include <string_view>
#include <vector>

namespace planted {

namespace gpu = kiln::gpu;

constexpr int kCount = 1024;

// Prints FOUND and what, ends the program.
[[noreturn]] void found(const char* how, const char* what);
// What a program would do with an error: stop.
void must(cudaError_t error);
void expect(bool right);

// x holds 0, 1, 2, ...; y zeros.
struct Data {
  float *x = nullptr, *y = nullptr;
  std::vector<float> values = std::vector<float>(kCount);
  Data();
  std::vector<float> result() const;  // of y, after everything has run
};

cudaStream_t new_stream();

struct Bug {
  std::string_view name;
  void (*run)(Data& data);
};
std::vector<Bug> kernel_bugs();
std::vector<Bug> access_bugs();
std::vector<Bug> stream_bugs();
std::vector<Bug> grid_bugs();

}  // namespace planted
