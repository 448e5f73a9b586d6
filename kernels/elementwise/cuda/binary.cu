#include <kiln/kernels/elementwise/binary.h>

#include <kiln/kernels/base/cuda/memory_type.h>
#include <kiln/kernels/elementwise/binary_functions.h>
#include <kiln/kernels/base/cuda/found_error.cuh>
#include <kiln/kernels/elementwise/cuda/elementwise.cuh>

namespace kiln::kernels {
namespace {

template <BinaryOp op, class C>
struct Binary {
  C alpha;
  __device__ C operator()(C a, C b) const { return math::binary<op, C>(a, b, alpha); }
};

// Integers, which cannot be divided by zero.
template <BinaryOp op, class C>
struct Divide {
  cuda::FoundError* error;
  const char* message;
  __device__ C operator()(C a, C b) const {
    if (b != C(0)) return math::binary<op, C>(a, b, C(1));
    report_found(error, message, 0, 0, 0);
    return C(0);
  }
};

template <BinaryOp op, class T>
void run(CudaContext& ctx, const Operand& a, const Operand& b, const TensorView& y, const Scalar& alpha) {
  using C = device_accumulate_t<T>;
  constexpr const char* name = math::name_of(op);
  constexpr bool divides = op == BinaryOp::floor_divide || op == BinaryOp::remainder;
  if constexpr (!math::has_binary<op, C>()) {
    detail::throw_error(std::string(name) + ": " + name_of(device_dtype<T>) + " tensors are not supported");
  } else if constexpr (divides && std::is_integral_v<C>) {
    constexpr const char* message = op == BinaryOp::remainder ? "remainder: an integer is divided by zero"
                                                              : "floor_divide: an integer is divided by zero";
    if (b.is_scalar() && element_of<C>(b.scalar) == C(0)) detail::throw_error(message);
    elementwise<T, T, T>(ctx, name, Divide<op, C>{cuda::found_error(), message}, y, {a, b});
  } else {
    elementwise<T, T, T>(ctx, name, Binary<op, C>{element_of<C>(alpha)}, y, {a, b});
  }
}

template <class T>
void run(CudaContext& ctx, BinaryOp op, const Operand& a, const Operand& b, const TensorView& y,
         const Scalar& alpha) {
  switch (op) {
    case BinaryOp::add:
      return run<BinaryOp::add, T>(ctx, a, b, y, alpha);
    case BinaryOp::sub:
      return run<BinaryOp::sub, T>(ctx, a, b, y, alpha);
    case BinaryOp::mul:
      return run<BinaryOp::mul, T>(ctx, a, b, y, alpha);
    case BinaryOp::div:
      return run<BinaryOp::div, T>(ctx, a, b, y, alpha);
    case BinaryOp::add_scaled:
      return run<BinaryOp::add_scaled, T>(ctx, a, b, y, alpha);
    case BinaryOp::pow:
      return run<BinaryOp::pow, T>(ctx, a, b, y, alpha);
    case BinaryOp::maximum:
      return run<BinaryOp::maximum, T>(ctx, a, b, y, alpha);
    case BinaryOp::minimum:
      return run<BinaryOp::minimum, T>(ctx, a, b, y, alpha);
    case BinaryOp::floor_divide:
      return run<BinaryOp::floor_divide, T>(ctx, a, b, y, alpha);
    case BinaryOp::remainder:
      return run<BinaryOp::remainder, T>(ctx, a, b, y, alpha);
    case BinaryOp::bitwise_and:
      return run<BinaryOp::bitwise_and, T>(ctx, a, b, y, alpha);
    case BinaryOp::bitwise_or:
      return run<BinaryOp::bitwise_or, T>(ctx, a, b, y, alpha);
    case BinaryOp::bitwise_xor:
      return run<BinaryOp::bitwise_xor, T>(ctx, a, b, y, alpha);
  }
}

}  // namespace

void binary(CudaContext& ctx, BinaryOp op, DType compute, const Operand& a, const Operand& b, TensorView y,
            const Scalar& alpha) {
  visit_device_element(memory_type(compute, a, b), math::name_of(op),
                       [&]<class T>() { run<T>(ctx, op, a, b, y, alpha); });
}

}  // namespace kiln::kernels
