#include <kiln/kernels/base/cuda/launch.cuh>

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include <kiln/tensor/cuda/stream.h>
#include <kiln/tensor/storage.h>

using namespace kiln;

// A kernel's failure stays with the process, and so does what it knows of devices: each case is a process.

namespace {

__global__ void write_kernel(int* p, int64_t i) { p[i] = 1; }

void write(const char* op, int* p, int64_t i) {
  kernels::launch(CudaContext::current(), op, write_kernel, {}, p, i);
}

// What the test case `name` of this program prints.
std::string output_of(const std::string& environment, const std::string& name) {
  std::array<char, 4096> path{};
  REQUIRE(readlink("/proc/self/exe", path.data(), path.size() - 1) > 0);
  const std::string command = environment + " '" + path.data() + "' --no-skip -tc='" + name + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  std::array<char, 256> line{};
  while (std::fgets(line.data(), int(line.size()), pipe) != nullptr) text += line.data();
  pclose(pipe);
  return text;
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

#ifdef __SANITIZE_ADDRESS__  // ends the process with a report of its own
constexpr bool kFaultsEnd = true;
#else
constexpr bool kFaultsEnd = false;
#endif

}  // namespace

TEST_CASE("child: a kernel out of bounds" * doctest::skip()) {
  const Ref<Storage> memory = Storage::allocate(400, DeviceType::cuda);
  int* p = static_cast<int*>(memory->data);
  try {
    write("blameless", p, 0);
    write("culprit", nullptr, 0);  // other addresses may be a window into shared memory, another error
    write("follower", p, 1);
    cuda::synchronize();
  } catch (const Error& error) {
    std::printf("caught %s\n", error.what());
  }
}

TEST_CASE("a kernel's error names the ops that it may come from" * doctest::skip(kFaultsEnd)) {
  const std::string late = output_of("CUDA_LAUNCH_BLOCKING=0", "child: a kernel out of bounds");
  CAPTURE(late);
  CHECK(contains(late, "caught cuda: an illegal memory access was encountered"));
  CHECK(contains(late, "one of these, last launched first: follower, culprit, blameless"));
  CHECK(contains(late, "CUDA_LAUNCH_BLOCKING=1 tells which"));

  const std::string now = output_of("CUDA_LAUNCH_BLOCKING=1", "child: a kernel out of bounds");
  CAPTURE(now);
  CHECK(contains(now, "caught culprit: the CUDA kernel failed: an illegal memory access was encountered"));
}

TEST_CASE("child: no device" * doctest::skip()) {
  for (int i = 0; i < 2; ++i) std::printf("default: %s\n", to_string(default_device()).c_str());
  try {
    Storage::allocate(1, DeviceType::cuda);
  } catch (const Error& error) {
    std::printf("caught %s\n", error.what());
  }
}

TEST_CASE("without a device the CPU is used, and that is said once") {
  const std::string text = output_of("CUDA_VISIBLE_DEVICES=''", "child: no device");
  CAPTURE(text);
  const std::string notice = "kiln: CUDA_VISIBLE_DEVICES='' leaves no GPU; the CPU is used";
  const size_t first = text.find(notice);
  CHECK(first != std::string::npos);
  CHECK(text.find(notice, first + 1) == std::string::npos);
  CHECK(contains(text, "default: cpu"));
  CHECK(contains(text,
                 "caught cuda: cuda:0 cannot be used: CUDA_VISIBLE_DEVICES='' leaves no GPU; use the CPU"));
}
