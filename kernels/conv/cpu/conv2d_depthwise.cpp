#include <kiln/kernels/conv/cpu/conv2d_depthwise.h>

#include <cstring>

#include <kiln/kernels/base/cpu/parallel_rows.h>

namespace kiln::kernels {
namespace {

// Neighbouring channels, in one or a few registers of the processor.
constexpr int64_t kLanes = 16;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
constexpr int64_t kMostColumns = 7;

// A block of channels of one kernel row: what one thread sums up at a time.
struct Task {
  const Conv2dGeometry& g;
  const float *grad, *x;
  int64_t channel, r;
  size_t bytes;  // of the channels that there are

  template <bool kFull>
  Lanes load(const float* from) const {
    Lanes lanes{};
    std::memcpy(&lanes, from, kFull ? sizeof lanes : bytes);
    return lanes;
  }
};

// Positions of y [begin, end) whose tap 0 and tap `taps` - 1 both lie inside x.
struct Inside {
  int64_t begin, end;
};
Inside inside(int64_t out, int64_t size, int64_t stride, int64_t padding, int64_t reach) {
  const int64_t begin = std::min(out, (padding + stride - 1) / stride), room = size + padding - reach - 1;
  return {begin, std::max(begin, room < 0 ? 0 : std::min(out, room / stride + 1))};
}

// sums[s] += g * x over one row of y.
template <int kTaps, bool kFull>
void add_row(const Task& task, const float* grad, const float* x, Lanes* sums) {
  const Conv2dGeometry& g = task.g;
  const auto edge = [&](int64_t begin, int64_t end) {
    for (int64_t q = begin; q < end; ++q)
      for (int s = 0; s < kTaps; ++s) {
        const int64_t w = q * g.stride_w - g.padding_w + s * g.dilation_w;
        if (w >= 0 && w < g.width)
          sums[s] += task.load<kFull>(grad + q * g.channels) * task.load<kFull>(x + w * g.channels);
      }
  };
  const auto [begin, end] = inside(g.out_w, g.width, g.stride_w, g.padding_w, (kTaps - 1) * g.dilation_w);
  edge(0, begin);
  Lanes part[kTaps] = {};
  for (int64_t q = begin; q < end; ++q) {
    const Lanes v = task.load<kFull>(grad + q * g.channels);
    const float* at = x + (q * g.stride_w - g.padding_w) * g.channels;
#pragma GCC unroll 8
    for (int s = 0; s < kTaps; ++s) part[s] += v * task.load<kFull>(at + s * g.dilation_w * g.channels);
  }
  for (int s = 0; s < kTaps; ++s) sums[s] += part[s];
  edge(end, g.out_w);
}

template <int kTaps, bool kFull>
void add_all(const Task& task, Lanes* totals) {
  const Conv2dGeometry& g = task.g;
  for (int64_t n = 0; n < g.batch; ++n) {
    Lanes sums[kTaps] = {};  // an image's apart: the error grows with the images, not with the pixels
    for (int64_t p = 0; p < g.out_h; ++p) {
      const int64_t h = p * g.stride_h - g.padding_h + task.r * g.dilation_h;
      if (h < 0 || h >= g.height) continue;
      add_row<kTaps, kFull>(task, task.grad + (n * g.out_h + p) * g.out_w * g.channels + task.channel,
                            task.x + (n * g.height + h) * g.width * g.channels + task.channel, sums);
    }
    for (int s = 0; s < kTaps; ++s) totals[s] += sums[s];
  }
}

// Calls f.operator()<number>() for a number of columns from 1 to kMostColumns.
template <int kTaps = 1, class F>
void with_taps(int64_t columns, const F& f) {
  if constexpr (kTaps < kMostColumns)
    if (columns != kTaps) return with_taps<kTaps + 1>(columns, f);
  f.template operator()<kTaps>();
}

}  // namespace

bool conv2d_is_depthwise(const Conv2dGeometry& g, DType dtype) {
  return dtype == DType::float32 && g.groups == g.channels && g.groups == g.filters && g.groups > 1 &&
         (g.kernel_h > 3 || g.kernel_w > 3) && g.kernel_w <= kMostColumns;
}

void conv2d_depthwise_weight_grad(CpuContext& ctx, const Conv2dGeometry& g, TensorView grad, TensorView x,
                                  TensorView dw) {
  const int64_t blocks = (g.channels + kLanes - 1) / kLanes;
  const Strides& strides = dw.layout->strides;
  parallel_for(ctx, blocks * g.kernel_h, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t channel = i / g.kernel_h * kLanes, r = i % g.kernel_h,
                    count = std::min(kLanes, g.channels - channel);
      const Task task{g, grad.as<const float>(),       x.as<const float>(), channel,
                      r, size_t(count) * sizeof(float)};
      with_taps(g.kernel_w, [&]<int kTaps>() {
        Lanes totals[kTaps] = {};
        count == kLanes ? add_all<kTaps, true>(task, totals) : add_all<kTaps, false>(task, totals);
        for (int64_t s = 0; s < kTaps; ++s)
          for (int64_t c = 0; c < count; ++c)
            dw.as<float>()[(channel + c) * strides[0] + r * strides[2] + s * strides[3]] = totals[s][c];
      });
    }
  });
}

}  // namespace kiln::kernels
