#include <atomic>

#include <kiln/kernels/base/cpu/walk.h>
#include <kiln/kernels/elementwise/binary_functions.h>
#include <kiln/kernels/elementwise/cpu/convert.h>
#include <kiln/kernels/elementwise/cpu/elementwise.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

template <BinaryOp op, class T>
void run(const void* const* in, void* out, int64_t n, const void* parameters) {
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
  const T alpha = *static_cast<const T*>(parameters);
  T* y = static_cast<T*>(out);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = math::binary<op, T>(a[i], b[i], alpha);
}

template <class T>
BlockRun select(BinaryOp op) {
  const auto of = []<BinaryOp o>() -> BlockRun {
    if constexpr (math::has_binary<o, T>())
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
    case BinaryOp::bitwise_and:
      return of.template operator()<BinaryOp::bitwise_and>();
    case BinaryOp::bitwise_or:
      return of.template operator()<BinaryOp::bitwise_or>();
    case BinaryOp::bitwise_xor:
      return of.template operator()<BinaryOp::bitwise_xor>();
  }
  return nullptr;
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
  const char* name = math::name_of(op);
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
