#include <kiln/kernels/elementwise/compare.h>

#include <kiln/kernels/elementwise/cpu/convert.h>
#include <kiln/kernels/elementwise/cpu/elementwise.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

// The halves compute in float32.
DType widened(DType type) { return is_floating(type) && type != float64 ? float32 : type; }

template <class T>
inline constexpr bool is_half = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

template <CompareOp op, class T>
bool apply(T a, T b) {
  if constexpr (op == CompareOp::eq) return a == b;
  if constexpr (op == CompareOp::ne) return a != b;
  if constexpr (op == CompareOp::lt) return a < b;
  if constexpr (op == CompareOp::le) return a <= b;
  if constexpr (op == CompareOp::gt) return a > b;
  if constexpr (op == CompareOp::ge) return a >= b;
  if constexpr (op == CompareOp::logical_and) return bool(a) & bool(b);
  if constexpr (op == CompareOp::logical_or) return bool(a) | bool(b);
}

template <CompareOp op, class T>
void run(const void* const* in, void* out, int64_t n, const void*) {
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
  bool* y = static_cast<bool*>(out);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = apply<op, T>(a[i], b[i]);
}

template <class T>
BlockRun select(CompareOp op) {
  switch (op) {
    case CompareOp::eq:
      return run<CompareOp::eq, T>;
    case CompareOp::ne:
      return run<CompareOp::ne, T>;
    case CompareOp::lt:
      return run<CompareOp::lt, T>;
    case CompareOp::le:
      return run<CompareOp::le, T>;
    case CompareOp::gt:
      return run<CompareOp::gt, T>;
    case CompareOp::ge:
      return run<CompareOp::ge, T>;
    case CompareOp::logical_and:
      return run<CompareOp::logical_and, bool>;
    case CompareOp::logical_or:
      return run<CompareOp::logical_or, bool>;
  }
  return nullptr;
}

// The condition arrives in the values' type.
template <class T>
void run_where(const void* const* in, void* out, int64_t n, const void*) {
  const T *condition = static_cast<const T*>(in[0]), *a = static_cast<const T*>(in[1]),
          *b = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const T yes = a[i], no = b[i];
    y[i] = condition[i] != T(0) ? yes : no;
  }
}

template <class T>
struct Limits {
  T low, high;
};

template <class T>
void run_clamp(const void* const* in, void* out, int64_t n, const void* parameters) {
  const auto [low, high] = *static_cast<const Limits<T>*>(parameters);
  const T* x = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const T raised = x[i] < low ? low : x[i];
    y[i] = raised > high ? high : raised;
  }
}

template <class T>
T number(const Scalar& value) {
  return std::is_integral_v<T> && value.dtype() != float32 ? cast<T>(value.integer()) : cast<T>(value.real());
}

}  // namespace

void compare(CpuContext& ctx, CompareOp op, DType compute, const Operand& a, const Operand& b, TensorView y) {
  const bool logical = op == CompareOp::logical_and || op == CompareOp::logical_or;
  const DType type = logical ? bool8 : widened(compute);
  visit_element(type, "compare", [&]<class T>() {
    if constexpr (!is_half<T>) elementwise(ctx, "compare", {type, bool8, select<T>(op)}, y, {a, b});
  });
}

void where(CpuContext& ctx, TensorView condition, const Operand& a, const Operand& b, TensorView y) {
  const DType type = widened(y.dtype);
  visit_element(type, "where", [&]<class T>() {
    if constexpr (!is_half<T>) elementwise(ctx, "where", {type, type, run_where<T>}, y, {condition, a, b});
  });
}

void clamp(CpuContext& ctx, DType compute, TensorView x, const Scalar& low, const Scalar& high,
           TensorView y) {
  const DType type = widened(compute);
  visit_number(type, "clamp", [&]<class T>() {
    if constexpr (!is_half<T>) {
      const Limits<T> limits{number<T>(low), number<T>(high)};
      elementwise(ctx, "clamp", {type, type, run_clamp<T>, &limits}, y, {x});
    }
  });
}

}  // namespace kiln::kernels
