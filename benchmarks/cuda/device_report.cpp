#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <fmt/format.h>

#include <kiln/kernels/matmul/gemm.h>
#include <kiln/kiln.h>
#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/settings.h>

#include "measure.h"
#include "report.h"

namespace kiln::benchmarks {
namespace {

// CUDA's numbering: 13010 is 13.1.
std::string cuda_version(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

double product_flops(const ReportOptions& options, int64_t n, DType dtype, Float32Precision precision) {
  set_float32_matmul_precision(precision);
  const Tensor a = randn({n, n}).to(dtype), b = randn({n, n}).to(dtype);
  const NoGrad no_grad;
  const double seconds = measure(options.seconds, [&] { matmul(a, b); }).seconds;
  set_float32_matmul_precision(Float32Precision::highest);
  return 2.0 * double(n) * double(n) * double(n) / seconds;
}

}  // namespace

nlohmann::json device_report() {
  cudaDeviceProp device;
  int driver = 0, runtime = 0;
  CUDA_CHECK(cudaGetDeviceProperties(&device, 0));
  CUDA_CHECK(cudaDriverGetVersion(&driver));
  CUDA_CHECK(cudaRuntimeGetVersion(&runtime));
  return {{"name", device.name},
          {"compute_capability", fmt::format("{}.{}", device.major, device.minor)},
          {"memory_bytes", device.totalGlobalMem},
          {"processors", device.multiProcessorCount},
          {"l2_bytes", device.l2CacheSize},
          {"cuda_driver", cuda_version(driver)},
          {"cuda_runtime", cuda_version(runtime)},
          {"cublaslt", cublasLtGetVersion()},
          {"cudnn", cudnnGetVersion()}};
}

nlohmann::json peak_report(const ReportOptions& options) {
  const int64_t elements = options.tiny ? 1 << 16 : 1 << 28;  // 1 GiB: no cache holds it
  const Tensor from = empty({elements}), to = empty({elements});
  from.fill_(1);
  const size_t bytes = size_t(elements) * sizeof(float);
  const auto copy = [&] {
    CUDA_CHECK(cudaMemcpyAsync(to.raw_data(), from.raw_data(), bytes, cudaMemcpyDeviceToDevice,
                               static_cast<cudaStream_t>(cuda::Stream::current().handle())));
  };
  nlohmann::json report;
  report["bytes_per_second"] = 2.0 * double(bytes) / measure(options.seconds, copy).seconds;
  const int64_t n = options.tiny ? 64 : 8192;
  report["flops"] = {
      {"float32", product_flops(options, n, float32, Float32Precision::highest)},
      {"tf32", product_flops(options, n, float32, Float32Precision::high)},
      {"bfloat16", product_flops(options, n, bfloat16, Float32Precision::highest)},
      {"float16", product_flops(options, n, float16, Float32Precision::highest)},
      {"float64", product_flops(options, options.tiny ? n : n / 2, float64, Float32Precision::highest)}};
  return report;
}

}  // namespace kiln::benchmarks
