#include <kiln/kernels/matmul/gemm.h>

#include <bit>
#include <cmath>

#include <kiln/kernels/base/cpu/onednn.h>
#include <kiln/kernels/base/cpu/parallel_rows.h>
#include <kiln/kernels/base/cpu/scratch.h>
#include <kiln/kernels/matmul/cpu/gemm_blocked.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

using Matrix = GemmGeometry::Matrix;

// Below this many multiplications a direct loop beats the overhead of a primitive (about 0.5 us).
constexpr int64_t kDirect = 600;

// Below this many a second thread costs more than it brings.
constexpr int64_t kOneThread = 200000;

// Sums in the type of accumulation; unsigned for integers, which may wrap around.
template <class T>
struct Sum {
  using type = accumulate_t<T>;
};
template <class T>
requires std::is_integral_v<T>
struct Sum<T> {
  using type = uint64_t;
};

// Old values count only when beta is not zero.
template <class T, class Acc>
void store(T& out, Acc sum, double beta) {
  out = beta == 0 ? T(sum) : T(sum + scaled<Acc>(beta, out));
}

template <class T>
void gemm_direct(const GemmGeometry& g, const T* a, const T* b, const T* bias, T* c, double beta) {
  using Acc = typename Sum<T>::type;
  const int64_t m = g.m, n = g.n, k = g.k;
  const Matrix sa = g.a, sb = g.b, sc = g.c;
  for (int64_t item = 0; item < g.batch; ++item)
    for (int64_t i = 0; i < m; ++i) {
      const T *row = a + item * sa.batch + i * sa.row, *column = b + item * sb.batch;
      T* out = c + item * sc.batch + i * sc.row;
      for (int64_t j = 0; j < n; ++j, column += sb.column, out += sc.column) {
        Acc sum = bias == nullptr ? Acc(0) : Acc(bias[j]);
        const T *x = row, *y = column;
        for (int64_t p = 0; p < k; ++p, x += sa.column, y += sb.row) sum += Acc(*x) * Acc(*y);
        store(*out, sum, beta);
      }
    }
}

// An operand that oneDNN can walk: one stride is 1 and the other spans it. Strides of single rows and columns
// are made regular, for they have no meaning.
bool make_regular(Matrix& matrix, int64_t rows, int64_t columns) {
  if (columns == 1 && rows == 1) matrix.row = matrix.column = 1;
  if (columns == 1) matrix.column = matrix.row == 1 ? rows : 1;
  if (rows == 1) matrix.row = matrix.column == 1 ? columns : 1;
  return (matrix.column == 1 && matrix.row >= columns) || (matrix.row == 1 && matrix.column >= rows);
}

// Dense row-major copy of `batch` matrices, converted.
template <class From, class To>
void copy_dense(CpuContext& ctx, const From* from, const Matrix& s, int64_t batch, int64_t rows,
                int64_t columns, To* to) {
  parallel_for(ctx, batch * rows, grain_of(columns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const From* row = from + i / rows * s.batch + i % rows * s.row;
      To* out = to + i * columns;
      for (int64_t j = 0; j < columns; ++j) out[j] = To(row[j * s.column]);
    }
  });
}

struct GemmKey {
  int64_t batch, m, n, k;
  Matrix a, b, c;
  uint32_t beta;
  int32_t has_bias, dtype, threads;
};

onednn::Plan make_plan(const GemmKey& key) {
  using onednn::describe, onednn::memory;
  const DType dtype = DType(key.dtype);
  const auto matrices = [&](int64_t rows, int64_t columns, const Matrix& s) {
    // One matrix for the whole batch is a batch of one, which oneDNN repeats.
    return describe({s.batch == 0 ? 1 : key.batch, rows, columns}, dtype,
                    {s.batch == 0 ? rows * columns : s.batch, s.row, s.column});
  };
  const memory::desc a = matrices(key.m, key.k, key.a), b = matrices(key.k, key.n, key.b),
                     c = matrices(key.m, key.n, key.c),
                     bias = describe({1, 1, key.n}, dtype, {key.n, key.n, 1});
  dnnl::primitive_attr attributes = onednn::user_scratchpad();
  const float beta = std::bit_cast<float>(key.beta);
  if (beta != 0) {
    dnnl::post_ops sum;
    sum.append_sum(beta);
    attributes.set_post_ops(sum);
  }
  const dnnl::matmul::primitive_desc description(
      key.has_bias ? dnnl::matmul::desc(a, b, bias, c) : dnnl::matmul::desc(a, b, c), attributes,
      onednn::engine());
  if (key.has_bias)
    return {dnnl::matmul(description),
            description,
            {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, c}}};
  return {
      dnnl::matmul(description), description, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}}};
}

template <class T>
void run_plan(CpuContext& ctx, const GemmGeometry& g, const T* a, const T* b, const T* bias, T* c,
              double beta) {
  GemmKey key{g.batch,
              g.m,
              g.n,
              g.k,
              g.a,
              g.b,
              g.c,
              std::bit_cast<uint32_t>(float(beta)),
              bias != nullptr,
              int32_t(dtype_of<T>),
              ctx.threads};
  if (g.batch == 1) key.a.batch = key.b.batch = key.c.batch = 0;
  const auto plan = onednn::cached("matmul", key, [&](const GemmKey& fresh) {
    const onednn::ThreadsScope threads(ctx);
    return make_plan(fresh);
  });
  void* const data[] = {const_cast<T*>(a), const_cast<T*>(b), const_cast<T*>(bias), c};
  if (bias != nullptr)
    plan->run(ctx, {data[0], data[1], data[2], data[3]});
  else
    plan->run(ctx, {data[0], data[1], data[3]});
}

// Copies an operand of irregular strides; `matrix` then describes the copy.
template <class T, class To>
const To* dense(CpuContext& ctx, const T* data, Matrix& matrix, int64_t batch, int64_t rows, int64_t columns,
                const cpu::Scratch<To>& scratch) {
  if (matrix.batch == 0) batch = 1;
  copy_dense(ctx, data, matrix, batch, rows, columns, scratch.data());
  matrix = {columns, 1, matrix.batch == 0 ? 0 : rows * columns};
  return scratch.data();
}

template <class T>
void gemm_onednn(CpuContext& all, GemmGeometry g, const T* a, const T* b, const T* bias, T* c, double beta) {
  CpuContext ctx = all;
  if (g.batch * g.m * g.n * g.k < kOneThread) ctx.threads = 1;
  const bool a_regular = make_regular(g.a, g.m, g.k), b_regular = make_regular(g.b, g.k, g.n);
  if (!make_regular(g.c, g.m, g.n)) fail("gemm: the result needs regular strides");
  const cpu::Scratch<T> a_copy(a_regular ? 0 : g.batch * g.m * g.k),
      b_copy(b_regular ? 0 : g.batch * g.k * g.n);
  if (!a_regular) a = dense<T, T>(ctx, a, g.a, g.batch, g.m, g.k, a_copy);
  if (!b_regular) b = dense<T, T>(ctx, b, g.b, g.batch, g.k, g.n, b_copy);
  run_plan(ctx, g, a, b, bias, c, beta);
}

// Halves are converted where the processor has no instructions for them: sums stay in float32 until the end.
template <class T>
void gemm_half(CpuContext& ctx, const GemmGeometry& g, const T* a, const T* b, const T* bias, T* c,
               double beta) {
  if constexpr (std::is_same_v<T, BFloat16>)
    if (onednn::multiplies_bfloat16()) return gemm_onednn<T>(ctx, g, a, b, bias, c, beta);
  const cpu::Scratch<float> a_copy(g.batch * g.m * g.k), b_copy(g.batch * g.k * g.n),
      c_copy(g.batch * g.m * g.n), bias_copy(g.n);
  GemmGeometry wide = g;
  const float* wide_a = dense<T, float>(ctx, a, wide.a, g.batch, g.m, g.k, a_copy);
  const float* wide_b = dense<T, float>(ctx, b, wide.b, g.batch, g.k, g.n, b_copy);
  if (bias != nullptr) copy_dense(ctx, bias, {0, 1, 0}, 1, 1, g.n, bias_copy.data());
  wide.c = {g.n, 1, g.m * g.n};
  float* wide_c = c_copy.data();
  if (beta != 0) copy_dense(ctx, c, g.c, g.batch, g.m, g.n, wide_c);
  gemm_onednn<float>(ctx, wide, wide_a, wide_b, bias ? bias_copy.data() : nullptr, wide_c, beta);
  parallel_for(ctx, g.batch * g.m, grain_of(g.n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* row = c + i / g.m * g.c.batch + i % g.m * g.c.row;
      for (int64_t j = 0; j < g.n; ++j) row[j * g.c.column] = T(wide_c[i * g.n + j]);
    }
  });
}

}  // namespace

void gemm(CpuContext& ctx, const GemmGeometry& g, TensorView a, TensorView b, TensorView bias, TensorView c,
          double beta) {
  const int64_t products = g.batch * g.m * g.n * g.k;
  visit_number(c.dtype, "matmul", [&]<class T>() {
    const T *x = a.as<T>(), *y = b.as<T>(), *v = bias.as<T>();
    if (g.batch * g.m * g.n == 0) return;
    if (products <= kDirect)
      gemm_direct(g, x, y, v, c.as<T>(), beta);
    else if constexpr (std::is_same_v<T, float>)
      gemm_onednn<T>(ctx, g, x, y, v, c.as<T>(), beta);
    else if constexpr (std::is_same_v<T, double> || std::is_integral_v<T>)
      gemm_blocked(ctx, g, x, y, v, c.as<T>(), beta);
    else
      gemm_half(ctx, g, x, y, v, c.as<T>(), beta);
  });
}

}  // namespace kiln::kernels
