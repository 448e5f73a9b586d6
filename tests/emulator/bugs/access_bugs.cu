// Memory that is not there, not aligned, not written yet, or not the host's.

#include "planted.h"

namespace planted {
namespace {

__global__ void write_past_end_kernel(const float* x, float* y) { y[threadIdx.x + 1] = x[threadIdx.x]; }

__global__ void read_past_end_kernel(const float* x, float* y) {
  y[threadIdx.x] = fmaxf(x[threadIdx.x], fminf(x[threadIdx.x + 1], 0.0f));
}

__global__ void far_read_kernel(const float* x, float* y) { y[threadIdx.x] = x[1 << 28]; }

__global__ void shared_past_end_kernel(const float* x, float* y) {
  auto& s = gpu::shared<float[256]>();
  auto& t = gpu::shared<float[256], struct Second>();
  t[threadIdx.x] = 0;
  s[threadIdx.x + 1] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = threadIdx.x ? s[threadIdx.x] + t[threadIdx.x] : 0.0f;
}

// fmaxf hides the NaN that fresh memory holds here.
__global__ void uninitialized_shared_kernel(const float* x, float* y) {
  auto& s = gpu::shared<float[256]>();
  if (threadIdx.x < 250) s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = fmaxf(s[threadIdx.x], 0.0f);
}

__global__ void sum_kernel(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x] + 1; }

__global__ void misaligned_pack_kernel(const float* x, float* y) {
  using Pack = gpu::Pack<float, 4>;
  gpu::store(reinterpret_cast<Pack*>(y) + threadIdx.x,
             gpu::load(reinterpret_cast<const Pack*>(x + 1) + threadIdx.x));
}

__global__ void too_much_shared_kernel(float* y) {
  auto& a = gpu::shared<float[8000]>();
  auto& b = gpu::shared<float[8000], struct More>();
  a[threadIdx.x] = b[threadIdx.x] = 1;
  y[threadIdx.x] = a[threadIdx.x] + b[threadIdx.x];
}

void uninitialized_global(Data& d) {
  float* fresh = nullptr;
  must(cudaMalloc(reinterpret_cast<void**>(&fresh), kCount * sizeof(float)));
  must(gpu::launch(sum_kernel, {.block = 256}, fresh, d.y));
  expect(d.result()[5] == 1);  // fresh memory is often zero
}

// Short of a page: the bytes behind it can be touched.
void write_within_page(Data& d) {
  float* y = nullptr;
  must(cudaMalloc(reinterpret_cast<void**>(&y), 1000 * sizeof(float)));
  must(gpu::launch(write_past_end_kernel, {.block = 1000}, d.x, y));
  d.result();
}

void use_after_free(Data& d) {
  must(cudaFree(d.x));
  must(gpu::launch(sum_kernel, {.block = 256}, d.x, d.y));
  d.result();
}

void host_reads_device(Data& d) {
  volatile float value = d.x[3];
  expect(value == 3);
}

void copy_too_long(Data& d) {
  std::vector<float> host(kCount + 1);
  must(cudaMemcpy(host.data(), d.x, (kCount + 1) * sizeof(float), cudaMemcpyDeviceToHost));
}

void copy_wrong_direction(Data& d) {
  must(cudaMemcpy(d.y, d.values.data(), kCount * sizeof(float), cudaMemcpyDeviceToDevice));
}

void double_free(Data& d) {
  must(cudaFree(d.x));
  must(cudaFree(d.x));
}

}  // namespace

std::vector<Bug> access_bugs() {
  return {
      {"write_past_end",
       [](Data& d) {
         must(gpu::launch(write_past_end_kernel, {.block = kCount}, d.x, d.y));
         d.result();
       }},
      {"read_past_end",
       [](Data& d) {
         must(gpu::launch(read_past_end_kernel, {.block = kCount}, d.x, d.y));
         d.result();
       }},
      {"far_read",
       [](Data& d) {
         must(gpu::launch(far_read_kernel, {.block = 32}, d.x, d.y));
         d.result();
       }},
      {"shared_past_end",
       [](Data& d) {
         must(gpu::launch(shared_past_end_kernel, {.block = 256}, d.x, d.y));
         d.result();
       }},
      {"uninitialized_shared",
       [](Data& d) {
         must(gpu::launch(uninitialized_shared_kernel, {.block = 256}, d.x, d.y));
         d.result();
       }},
      {"misaligned_pack",
       [](Data& d) {
         must(gpu::launch(misaligned_pack_kernel, {.block = 32}, d.x, d.y));
         d.result();
       }},
      {"too_much_shared",
       [](Data& d) {
         must(gpu::launch(too_much_shared_kernel, {.block = 32}, d.y));
         d.result();
       }},
      {"write_within_page", write_within_page},
      {"uninitialized_global", uninitialized_global},
      {"use_after_free", use_after_free},
      {"host_reads_device", host_reads_device},
      {"copy_too_long", copy_too_long},
      {"copy_wrong_direction", copy_wrong_direction},
      {"double_free", double_free},
  };
}

}  // namespace planted
