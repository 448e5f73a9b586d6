#include <kiln/kernels/binary.h>

#include <atomic>

#include <kiln/kernels/cpu/convert.h>
#include <kiln/kernels/cpu/elementwise.h>
#include <kiln/kernels/cpu/walk.h>
#include <kiln/kernels/math.h>
#include <kiln/tensor/element.h>

namespace kiln::kernels {
namespace {

// Signed arithmetic that overflows wraps, by way of the unsigned type (at least as wide as int).
template <class T>
using Wrapping = std::conditional_t<(sizeof(T) < 4), unsigned, std::make_unsigned_t<T>>;

template <class T>
T integer_power(T base, T exponent) {
  if (exponent < 0) return base == T(1) ? T(1) : base == T(-1) ? (exponent % 2 == 0 ? T(1) : T(-1)) : T(0);
  Wrapping<T> result = 1, square(base);
  for (auto rest = Wrapping<T>(exponent); rest != 0; rest >>= 1, square *= square)
    if (rest & 1u) result *= square;
  return T(result);
}

template <class T>
T floor_divide(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == T(-1)) return T(Wrapping<T>(0) - Wrapping<T>(a));  // the minimum has no negative
    const T quotient = T(a / b);
    return T(a % b != 0 && (a % b < 0) != (b < 0) ? quotient - 1 : quotient);
  } else {
    if (b == 0) return a / b;
    T mod = std::fmod(a, b), quotient = (a - mod) / b;
    if (mod != 0 && (b < 0) != (mod < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(T(0), a / b);
    const T down = std::floor(quotient);
    return quotient - down > T(0.5) ? down + 1 : down;
  }
}

template <class T>
T remainder(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == T(-1)) return 0;
    const T mod = T(a % b);
    return T(mod != 0 && (mod < 0) != (b < 0) ? mod + b : mod);
  } else {
    const T mod = std::fmod(a, b);
    return mod != 0 && (mod < 0) != (b < 0) ? mod + b : mod;
  }
}

template <BinaryOp op, class T>
T apply(T a, T b, T alpha) {
  if constexpr (op == BinaryOp::maximum) return a > b || a != a ? a : b;
  if constexpr (op == BinaryOp::minimum) return a < b || a != a ? a : b;
  if constexpr (op == BinaryOp::floor_divide) return floor_divide(a, b);
  if constexpr (op == BinaryOp::remainder) return remainder(a, b);
  if constexpr (std::is_same_v<T, bool>) {
    if constexpr (op == BinaryOp::add) return a | b;
    if constexpr (op == BinaryOp::add_scaled) return a | (alpha & b);
    if constexpr (op == BinaryOp::mul) return a & b;
  } else if constexpr (std::is_integral_v<T>) {
    using U = Wrapping<T>;
    if constexpr (op == BinaryOp::add) return T(U(a) + U(b));
    if constexpr (op == BinaryOp::sub) return T(U(a) - U(b));
    if constexpr (op == BinaryOp::mul) return T(U(a) * U(b));
    if constexpr (op == BinaryOp::add_scaled) return T(U(a) + U(alpha) * U(b));
    if constexpr (op == BinaryOp::pow) return integer_power(a, b);
  } else {
    if constexpr (op == BinaryOp::add) return a + b;
    if constexpr (op == BinaryOp::sub) return a - b;
    if constexpr (op == BinaryOp::mul) return a * b;
    if constexpr (op == BinaryOp::div) return a / b;
    if constexpr (op == BinaryOp::add_scaled) return a + alpha * b;
    if constexpr (op == BinaryOp::pow) return math::pow(a, b);
  }
}

template <BinaryOp op, class T>
constexpr bool is_defined() {
  if (std::is_same_v<T, bool>)
    return op == BinaryOp::add || op == BinaryOp::add_scaled || op == BinaryOp::mul ||
           op == BinaryOp::maximum || op == BinaryOp::minimum;
  return std::is_floating_point_v<T> || op != BinaryOp::div;
}

template <BinaryOp op, class T>
void run(const void* const* in, void* out, int64_t n, const void* parameters) {
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
  const T alpha = *static_cast<const T*>(parameters);
  T* y = static_cast<T*>(out);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = apply<op, T>(a[i], b[i], alpha);
}

template <class T>
BlockRun select(BinaryOp op) {
  const auto of = []<BinaryOp o>() -> BlockRun {
    if constexpr (is_defined<o, T>())
      return run<o, T>;
    else
      return nullptr;
  };
  switch (op) {
    case BinaryOp::add:
      return of.template operator()<BinaryOp::add>();
    case BinaryOp::sub:
      return of.template operator()<BinaryOp::sub>();
    case BinaryOp::mul:
      return of.template operator()<BinaryOp::mul>();
    case BinaryOp::div:
      return of.template operator()<BinaryOp::div>();
    case BinaryOp::add_scaled:
      return of.template operator()<BinaryOp::add_scaled>();
    case BinaryOp::pow:
      return of.template operator()<BinaryOp::pow>();
    case BinaryOp::maximum:
      return of.template operator()<BinaryOp::maximum>();
    case BinaryOp::minimum:
      return of.template operator()<BinaryOp::minimum>();
    case BinaryOp::floor_divide:
      return of.template operator()<BinaryOp::floor_divide>();
    case BinaryOp::remainder:
      return of.template operator()<BinaryOp::remainder>();
  }
  return nullptr;
}

const char* name_of(BinaryOp op) {
  constexpr const char* names[] = {"add", "sub",     "mul",     "div",          "add",
                                   "pow", "maximum", "minimum", "floor_divide", "remainder"};
  return names[int(op)];
}

bool has_zero(CpuContext& ctx, const Operand& b, const char* op) {
  if (b.is_scalar()) return b.scalar.integer() == 0;
  std::atomic<bool> found = false;
  const Walk walk(b.view);
  const ConvertRun convert = convert_run(b.view.dtype, int64, op);
  if (walk.runs == 0) return false;
  for_each_run(ctx, walk, [&](char* const* p, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      int64_t value = 0;
      convert(p[0] + i * walk.run_strides[0], 0, reinterpret_cast<char*>(&value), 0, 1);
      if (value == 0) found = true;
    }
  });
  return found;
}

}  // namespace

void binary(CpuContext& ctx, BinaryOp op, DType compute, const Operand& a, const Operand& b, TensorView y,
            const Scalar& alpha) {
  const char* name = name_of(op);
  // The halves compute in float32.
  const DType type = is_floating(compute) && compute != float64 ? float32 : compute;
  visit_element(type, name, [&]<class T>() {
    if constexpr (!std::is_same_v<T, Half> && !std::is_same_v<T, BFloat16>) {
      const BlockRun run = select<T>(op);
      if (run == nullptr) fail("{}: {} tensors are not supported", name, type);
      if (std::is_integral_v<T> && (op == BinaryOp::floor_divide || op == BinaryOp::remainder))
        if (has_zero(ctx, b, name)) fail("{}: an integer is divided by zero", name);
      const T factor = std::is_integral_v<T> ? cast<T>(alpha.integer()) : cast<T>(alpha.real());
      elementwise(ctx, name, {type, type, run, &factor, op == BinaryOp::pow}, y, {a, b});
    }
  });
}

}  // namespace kiln::kernels
