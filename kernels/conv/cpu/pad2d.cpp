#include <kiln/kernels/conv/pad2d.h>

#include <algorithm>

#include <kiln/kernels/base/cpu/parallel_rows.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

// One row of y: a run of x's row in the middle, and pixels from elsewhere beside it.
template <class T>
void pad_row(const Pad2dGeometry& g, const T* in, T value, T* out) {
  const int64_t n = g.channels, begin = std::max<int64_t>(0, g.left),
                end = std::max(begin, std::min(g.out_w(), g.left + g.width));
  const auto edge = [&](int64_t q) {
    const int64_t from = g.column(q);
    if (from < 0)
      std::fill(out + q * n, out + (q + 1) * n, value);
    else
      std::copy(in + from * n, in + (from + 1) * n, out + q * n);
  };
  for (int64_t q = 0; q < begin; ++q) edge(q);
  std::copy(in + (begin - g.left) * n, in + (end - g.left) * n, out + begin * n);
  for (int64_t q = end; q < g.out_w(); ++q) edge(q);
}

}  // namespace

void pad2d(CpuContext& ctx, const Pad2dGeometry& g, TensorView x, double value, TensorView y) {
  visit_element(x.dtype, "pad2d", [&]<class T>() {
    const int64_t in_row = g.width * g.channels, out_row = g.out_w() * g.channels;
    const T constant = T(value);
    parallel_for(ctx, g.images * g.out_h(), grain_of(out_row), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* out = y.as<T>() + i * out_row;
        const int64_t row = g.row(i % g.out_h());
        if (row < 0)
          std::fill(out, out + out_row, constant);
        else
          pad_row(g, x.as<const T>() + (i / g.out_h() * g.height + row) * in_row, constant, out);
      }
    });
  });
}

void pad2d_backward(CpuContext& ctx, const Pad2dGeometry& geometry, TensorView g, TensorView dx) {
  visit_floating(g.dtype, "pad2d_backward", [&]<class T>() {
    using Acc = accumulate_t<T>;
    const int64_t n = geometry.channels, image = geometry.height * geometry.width * n,
                  out_h = geometry.out_h(), out_w = geometry.out_w();
    parallel_for(ctx, geometry.images, grain_of(out_h * out_w * n), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* out = dx.as<T>() + i * image;
        std::fill(out, out + image, T(0));
        for (int64_t p = 0; p < out_h; ++p)
          for (int64_t q = 0; q < out_w; ++q) {
            const int64_t row = geometry.row(p), column = geometry.column(q);
            if (row < 0 || column < 0) continue;
            const T* from = g.as<const T>() + ((i * out_h + p) * out_w + q) * n;
            T* to = out + (row * geometry.width + column) * n;
            for (int64_t c = 0; c < n; ++c) to[c] = T(Acc(to[c]) + Acc(from[c]));
          }
      }
    });
  });
}

}  // namespace kiln::kernels
