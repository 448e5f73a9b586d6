#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <vector>

#include "plan.h"

// Convolutions as kernels of one thread a block, so that their accesses are checked like any kernel's.
// Operands are read once into float64 with their channels next to each other; the inner loops run over those.

namespace kiln::emulated {
namespace {

double load_element(const PlanTensor& t, int64_t i) {
  switch (t.type) {
    case CUDNN_DATA_DOUBLE:
      return gpu::load(static_cast<const double*>(t.data) + i);
    case CUDNN_DATA_HALF:
      return __half2float(gpu::load(static_cast<const __half*>(t.data) + i));
    case CUDNN_DATA_BFLOAT16:
      return __bfloat162float(gpu::load(static_cast<const __nv_bfloat16*>(t.data) + i));
    default:
      return gpu::load(static_cast<const float*>(t.data) + i);
  }
}

void store_element(const PlanTensor& t, int64_t i, double value) {
  switch (t.type) {
    case CUDNN_DATA_DOUBLE:
      return gpu::store(static_cast<double*>(t.data) + i, value);
    case CUDNN_DATA_HALF:
      return gpu::store(static_cast<__half*>(t.data) + i, __double2half(value));
    case CUDNN_DATA_BFLOAT16:
      return gpu::store(static_cast<__nv_bfloat16*>(t.data) + i, __double2bfloat16(value));
    default:
      return gpu::store(static_cast<float*>(t.data) + i, float(value));
  }
}

// The pixels of one image, `count` channels from `first`: [height, width, count].
struct Channels {
  int64_t image, first, count;
};
void load_image(const PlanTensor& t, const Channels& c, std::vector<double>& out) {
  const int64_t* s = t.strides;
  out.resize(size_t(t.sizes[2] * t.sizes[3] * c.count));
  double* to = out.data();
  for (int64_t h = 0; h < t.sizes[2]; ++h)
    for (int64_t w = 0; w < t.sizes[3]; ++w)
      for (int64_t i = 0; i < c.count; ++i)
        *to++ = load_element(t, c.image * s[0] + (c.first + i) * s[1] + h * s[2] + w * s[3]);
}

// Filters as [groups, R, S, C/groups, K/groups], or with the last two the other way round.
std::vector<double> load_filters(const ConvolutionTask& t, bool filters_last) {
  const int64_t *size = t.w.sizes, *s = t.w.strides, groups = t.groups(), filters = size[0] / groups;
  const int64_t outer = filters_last ? size[1] : filters, inner = filters_last ? filters : size[1];
  std::vector<double> out;
  out.reserve(size_t(size[0] * size[1] * size[2] * size[3]));
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t r = 0; r < size[2]; ++r)
      for (int64_t q = 0; q < size[3]; ++q)
        for (int64_t i = 0; i < outer; ++i)
          for (int64_t j = 0; j < inner; ++j) {
            const int64_t k = g * filters + (filters_last ? j : i), c = filters_last ? i : j;
            out.push_back(load_element(t.w, k * s[0] + c * s[1] + r * s[2] + q * s[3]));
          }
  return out;
}

// f(pixel of x, tap) for the taps of y's pixel (p, q) that lie within x.
template <class F>
void each_tap(const ConvolutionTask& t, int64_t p, int64_t q, F&& f) {
  for (int64_t r = 0; r < t.w.sizes[2]; ++r) {
    const int64_t h = p * t.stride[0] - t.padding[0] + r * t.dilation[0];
    if (h < 0 || h >= t.x.sizes[2]) continue;
    for (int64_t s = 0; s < t.w.sizes[3]; ++s) {
      const int64_t w = q * t.stride[1] - t.padding[1] + s * t.dilation[1];
      if (w >= 0 && w < t.x.sizes[3]) f(h * t.x.sizes[3] + w, r * t.w.sizes[3] + s);
    }
  }
}

// y += a[i] * b[i, :] for all i
void accumulate(const double* a, int64_t count, const double* b, int64_t n, double* __restrict y) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < n; ++j) y[j] += a[i] * b[i * n + j];
}

// A block an image.
void cudnn_forward_kernel(std::shared_ptr<const ConvolutionTask> task) {
  const ConvolutionTask& t = *task;
  const int64_t n = blockIdx.x, groups = t.groups(), channels = t.w.sizes[1], filters = t.w.sizes[0] / groups;
  const int64_t taps = t.w.sizes[2] * t.w.sizes[3], *s = t.y.strides;
  const std::vector<double> weights = load_filters(t, true);
  std::vector<double> x, sums(size_t(t.w.sizes[0])), bias(sums.size());
  for (size_t k = 0; t.has_bias && k < bias.size(); ++k)
    bias[k] = load_element(t.bias, int64_t(k) * t.bias.strides[1]);
  load_image(t.x, {n, 0, t.x.sizes[1]}, x);
  for (int64_t p = 0; p < t.y.sizes[2]; ++p)
    for (int64_t q = 0; q < t.y.sizes[3]; ++q) {
      std::fill(sums.begin(), sums.end(), 0.0);
      each_tap(t, p, q, [&](int64_t pixel, int64_t tap) {
        for (int64_t g = 0; g < groups; ++g)
          accumulate(&x[size_t((pixel * groups + g) * channels)], channels,
                     &weights[size_t((g * taps + tap) * channels * filters)], filters,
                     &sums[size_t(g * filters)]);
      });
      for (size_t k = 0; k < sums.size(); ++k) {
        const double value = t.alpha * sums[k] + bias[k];
        store_element(t.y, n * s[0] + int64_t(k) * s[1] + p * s[2] + q * s[3],
                      t.has_relu && value < 0 ? 0 : value);
      }
    }
}

// A block an image.
void cudnn_input_grad_kernel(std::shared_ptr<const ConvolutionTask> task) {
  const ConvolutionTask& t = *task;
  const int64_t n = blockIdx.x, groups = t.groups(), channels = t.w.sizes[1], filters = t.w.sizes[0] / groups;
  const int64_t taps = t.w.sizes[2] * t.w.sizes[3], *s = t.x.strides;
  const std::vector<double> weights = load_filters(t, false);
  std::vector<double> grad, sums(size_t(t.x.sizes[1] * t.x.sizes[2] * t.x.sizes[3]));
  load_image(t.y, {n, 0, t.y.sizes[1]}, grad);
  for (int64_t p = 0; p < t.y.sizes[2]; ++p)
    for (int64_t q = 0; q < t.y.sizes[3]; ++q)
      each_tap(t, p, q, [&](int64_t pixel, int64_t tap) {
        for (int64_t g = 0; g < groups; ++g)
          accumulate(&grad[size_t(((p * t.y.sizes[3] + q) * groups + g) * filters)], filters,
                     &weights[size_t((g * taps + tap) * channels * filters)], channels,
                     &sums[size_t((pixel * groups + g) * channels)]);
      });
  const double* from = sums.data();
  for (int64_t h = 0; h < t.x.sizes[2]; ++h)
    for (int64_t w = 0; w < t.x.sizes[3]; ++w)
      for (int64_t c = 0; c < t.x.sizes[1]; ++c)
        store_element(t.x, n * s[0] + c * s[1] + h * s[2] + w * s[3], t.alpha * *from++);
}

constexpr int64_t kFilters = 32;  // of a block of the gradient of the weights, from one group

int64_t pieces(const ConvolutionTask& t) { return (t.w.sizes[0] / t.groups() + kFilters - 1) / kFilters; }

void cudnn_weight_grad_kernel(std::shared_ptr<const ConvolutionTask> task) {
  const ConvolutionTask& t = *task;
  const int64_t channels = t.w.sizes[1], filters = t.w.sizes[0] / t.groups(), *s = t.w.strides;
  const int64_t group = blockIdx.x / pieces(t), begin = blockIdx.x % pieces(t) * kFilters,
                first = group * filters + begin, count = std::min(kFilters, filters - begin);
  std::vector<double> x, grad, sums(size_t(t.w.sizes[2] * t.w.sizes[3] * channels * count));
  for (int64_t n = 0; n < t.x.sizes[0]; ++n) {
    load_image(t.x, {n, group * channels, channels}, x);
    load_image(t.y, {n, first, count}, grad);
    for (int64_t p = 0; p < t.y.sizes[2]; ++p)
      for (int64_t q = 0; q < t.y.sizes[3]; ++q)
        each_tap(t, p, q, [&](int64_t pixel, int64_t tap) {
          for (int64_t c = 0; c < channels; ++c)
            accumulate(&x[size_t(pixel * channels + c)], 1, &grad[size_t((p * t.y.sizes[3] + q) * count)],
                       count, &sums[size_t((tap * channels + c) * count)]);
        });
  }
  for (int64_t tap = 0; tap < t.w.sizes[2] * t.w.sizes[3]; ++tap)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t k = 0; k < count; ++k)
        store_element(t.w,
                      (first + k) * s[0] + c * s[1] + tap / t.w.sizes[3] * s[2] + tap % t.w.sizes[3] * s[3],
                      t.alpha * sums[size_t((tap * channels + c) * count + k)]);
}

}  // namespace

cudaError_t enqueue(std::shared_ptr<const ConvolutionTask> task, cudaStream_t stream) {
  const auto images = unsigned(task->x.sizes[0]);
  switch (task->part) {
    case ConvolutionPart::input_grad:
      return gpu::launch(cudnn_input_grad_kernel, {.grid = images, .stream = stream}, task);
    case ConvolutionPart::weight_grad:
      return gpu::launch(cudnn_weight_grad_kernel,
                         {.grid = unsigned(pieces(*task) * task->groups()), .stream = stream}, task);
    default:
      return gpu::launch(cudnn_forward_kernel, {.grid = images, .stream = stream}, task);
  }
}

}  // namespace kiln::emulated
