#include <kiln/kernels/softmax/cross_entropy.h>

#include <kiln/kernels/base/cuda/found_error.cuh>
#include <kiln/kernels/softmax/cuda/softmax_sums.cuh>

namespace kiln::kernels {
namespace {

template <class A>
__device__ __forceinline__ A weight_of(const A* weight, int64_t c) {
  return weight == nullptr ? A(1) : weight[c];
}

// What the kernels know beside their tensors.
template <class A>
struct Constants {
  int64_t rows, classes, ignore_index;
  A certain;  // 1 - smoothing
  A smooth;   // smoothing / classes
};

template <class A>
Constants<A> constants(const CrossEntropyGeometry& g) {
  return {g.rows, g.classes, g.ignore_index, A(1 - g.smoothing), A(g.smoothing / double(g.classes))};
}

template <int kGroup, class T, class A>
__global__ void __launch_bounds__(kRowThreads, kRowBlocks<T>)
    cross_entropy_kernel(Constants<A> g, const T* x, const int64_t* target, const A* weight, A* losses,
                         A* log_sums, cuda::FoundError* error, const char* message) {
  const int64_t row = group_row<kGroup>();
  if (row >= g.rows) return;
  const T* in = x + row * g.classes;
  const int64_t t = target[row];
  const bool is_class = t >= 0 && t < g.classes, counts = t != g.ignore_index && is_class;
  A log_sum = 0, loss = 0;
  if (counts) {
    const ExpSum<A> total = exp_sum<kGroup>(in, g.classes);
    log_sum = total.largest + math::log(total.sum);
    loss = g.certain * weight_of(weight, t) * (log_sum - cast<A>(in[t]));
    if (g.smooth != 0) {
      A mine = 0;
      each_pack<kGroup>(in, g.classes, true, [&](int64_t first, auto count) {
        const auto scores = load_at<count()>(in + first);
#pragma unroll
        for (int e = 0; e < count(); ++e)
          mine += weight_of(weight, first + e) * (log_sum - cast<A>(scores[e]));
      });
      loss += g.smooth * group_sum<kGroup>(mine);
    }
  }
  if (group_lane<kGroup>() != 0) return;
  if (!is_class && t != g.ignore_index) report_found(error, message, t, row, g.classes - 1);
  log_sums[row] = log_sum;
  losses[row] = loss;
}

// One block: the sum of the weights of the rows that count, in float64.
template <class A>
__global__ void __launch_bounds__(kRowThreads)
    total_weight_kernel(Constants<A> g, bool mean, const int64_t* target, const A* weight, A* total) {
  double mine = 0;
  for (int64_t i = threadIdx.x; mean && i < g.rows; i += kRowThreads) {
    const int64_t t = target[i];
    if (t != g.ignore_index && t >= 0 && t < g.classes) mine += double(weight_of(weight, t));
  }
  const double sum = group_sum<kBlockRow>(mine);
  if (threadIdx.x == 0) *total = mean ? A(sum) : A(1);
}

template <int kGroup, class T, class A>
__global__ void __launch_bounds__(kRowThreads, kRowBlocks<T>)
    cross_entropy_backward_kernel(Constants<A> g, const T* x, const int64_t* target, const A* weight,
                                  const A* log_sums, const A* total, const T* gradient, bool g_per_row,
                                  T* dx) {
  const int64_t row = group_row<kGroup>();
  if (row >= g.rows) return;
  const T* in = x + row * g.classes;
  T* out = dx + row * g.classes;
  const int64_t t = target[row];
  if (t == g.ignore_index || t < 0 || t >= g.classes) {
    each_pack<kGroup>(out, g.classes, true,
                      [&](int64_t first, auto count) { store_at(out + first, gpu::Pack<T, count()>{}); });
    return;
  }
  A smooth_total = 0;
  if (g.smooth != 0) {
    A mine = 0;
    for (int64_t c = group_lane<kGroup>(); c < g.classes; c += kGroup) mine += weight_of(weight, c);
    smooth_total = g.smooth * group_sum<kGroup>(mine);
  }
  const A scale = cast<A>(gradient[g_per_row ? row : 0]) / *total, log_sum = log_sums[row];
  const A hit = g.certain * weight_of(weight, t), factor = scale * (hit + smooth_total);
  each_pack<kGroup>(in, g.classes, are_alike(in, out), [&](int64_t first, auto count) {
    auto pack = load_at<count()>(in + first);
#pragma unroll
    for (int e = 0; e < count(); ++e) {
      const int64_t c = first + e;
      const A own = g.smooth * weight_of(weight, c) + (c == t ? hit : A(0));
      pack[e] = cast<T>(factor * math::exp(cast<A>(pack[e]) - log_sum) - scale * own);
    }
    store_at(out + first, pack);
  });
}

template <class A>
const A* optional(const TensorView& x) {
  return x.defined() ? x.as<A>() : nullptr;
}

}  // namespace

int64_t cross_entropy(CudaContext& ctx, const CrossEntropyGeometry& g, TensorView x, TensorView target,
                      TensorView weight, TensorView losses, TensorView log_sums, TensorView total,
                      const char* late) {
  constexpr const char* op = "cross_entropy";
  visit_device_floating(x.dtype, op, [&]<class T>() {
    using A = device_accumulate_t<T>;
    const Constants<A> values = constants<A>(g);
    const int64_t* targets = target.as<int64_t>();
    with_row_group(g.rows, g.classes, [&]<int kGroup>(unsigned blocks) {
      launch(ctx, op, cross_entropy_kernel<kGroup, T, A>, {.grid = blocks, .block = kRowThreads}, values,
             x.as<T>(), targets, optional<A>(weight), losses.as<A>(), log_sums.as<A>(), cuda::found_error(),
             late);
    });
    launch(ctx, op, total_weight_kernel<A>, {.grid = 1, .block = kRowThreads}, values, g.mean, targets,
           optional<A>(weight), total.as<A>());
  });
  return -1;
}

void cross_entropy_backward(CudaContext& ctx, const CrossEntropyGeometry& g, TensorView x, TensorView target,
                            TensorView weight, TensorView log_sums, TensorView total, TensorView gradient,
                            bool g_per_row, TensorView dx) {
  constexpr const char* op = "cross_entropy_backward";
  visit_device_floating(x.dtype, op, [&]<class T>() {
    using A = device_accumulate_t<T>;
    with_row_group(g.rows, g.classes, [&]<int kGroup>(unsigned blocks) {
      launch(ctx, op, cross_entropy_backward_kernel<kGroup, T, A>, {.grid = blocks, .block = kRowThreads},
             constants<A>(g), x.as<T>(), target.as<int64_t>(), optional<A>(weight), log_sums.as<A>(),
             total.as<A>(), gradient.as<T>(), g_per_row, dx.as<T>());
    });
  });
}

}  // namespace kiln::kernels
