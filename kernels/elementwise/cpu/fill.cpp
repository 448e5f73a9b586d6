#include <kiln/kernels/elementwise/fill.h>

#include <kiln/kernels/base/cpu/walk.h>
#include <kiln/kernels/elementwise/cpu/convert.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

// y[i] = f(i) along the only dimension.
template <class T, class F>
void generate(const CpuContext& ctx, const TensorView& y, F&& f) {
  const int64_t stride = y.layout->strides[0];
  T* data = y.as<T>();
  parallel_for(ctx, y.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) data[i * stride] = f(i);
  });
}

}  // namespace

void fill(CpuContext& ctx, const Scalar& value, TensorView y) {
  char bytes[8];
  visit_element(y.dtype, "fill", [&]<class T>() {
    const T element =
        std::is_integral_v<T> && value.dtype() != float32 ? cast<T>(value.integer()) : cast<T>(value.real());
    *reinterpret_cast<T*>(bytes) = element;
  });
  const Walk walk(y);
  if (walk.runs == 0) return;
  const ConvertRun spread = convert_run(y.dtype, y.dtype, "fill");
  for_each_run(ctx, walk, [&](char* const* p, int64_t n) { spread(bytes, 0, p[0], walk.run_strides[0], n); });
}

void arange(CpuContext& ctx, const Scalar& start, const Scalar& step, TensorView y) {
  visit_number(y.dtype, "arange", [&]<class T>() {
    if constexpr (std::is_integral_v<T>) {
      const int64_t from = start.integer(), by = step.integer();
      generate<T>(ctx, y, [=](int64_t i) { return T(uint64_t(from) + uint64_t(i) * uint64_t(by)); });
    } else {
      const double from = start.real(), by = step.real();
      generate<T>(ctx, y, [=](int64_t i) { return cast<T>(from + double(i) * by); });
    }
  });
}

void linspace(CpuContext& ctx, double start, double end, TensorView y) {
  const int64_t count = y.numel();
  const double step = count > 1 ? (end - start) / double(count - 1) : 0;
  visit_floating(y.dtype, "linspace", [&]<class T>() {
    generate<T>(ctx, y, [=](int64_t i) {
      return cast<T>(i < count / 2 || count == 1 ? start + double(i) * step
                                                 : end - double(count - 1 - i) * step);
    });
  });
}

}  // namespace kiln::kernels
