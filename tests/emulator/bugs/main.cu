// Programs with a bug each: main NAME. Says FOUND, dies of it, or prints "not noticed".

#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "planted.h"

namespace planted {

void found(const char* how, const char* what) {
  std::printf("FOUND %s: %s\n", how, what);
  std::exit(3);
}

void must(cudaError_t error) {
  if (error != cudaSuccess) found("by an error", cudaGetErrorString(error));
}

void expect(bool right) {
  if (!right) found("by a wrong result", "");
}

Data::Data() {
  std::iota(values.begin(), values.end(), 0.0f);
  must(cudaMalloc(reinterpret_cast<void**>(&x), kCount * sizeof(float)));
  must(cudaMalloc(reinterpret_cast<void**>(&y), kCount * sizeof(float)));
  must(cudaMemcpy(x, values.data(), kCount * sizeof(float), cudaMemcpyHostToDevice));
  must(cudaMemset(y, 0, kCount * sizeof(float)));
}

std::vector<float> Data::result() const {
  std::vector<float> got(kCount);
  must(cudaDeviceSynchronize());
  must(cudaMemcpy(got.data(), y, kCount * sizeof(float), cudaMemcpyDeviceToHost));
  return got;
}

cudaStream_t new_stream() {
  cudaStream_t stream = nullptr;
  must(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}

}  // namespace planted

int main(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "";
  for (const auto& bugs :
       {planted::kernel_bugs(), planted::access_bugs(), planted::stream_bugs(), planted::grid_bugs()})
    for (const planted::Bug& bug : bugs)
      if (bug.name == name) {
        planted::Data data;
        bug.run(data);
        std::puts("not noticed");
        return 0;
      }
  std::puts("no such bug");
  return 2;
}
