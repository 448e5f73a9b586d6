#include <kiln/kernels/elementwise/cpu/convert.h>

#include <cstring>

#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

template <class From, class To>
void convert(const char* from, int64_t from_stride, char* to, int64_t to_stride, int64_t n) {
  if (from_stride == sizeof(From) && to_stride == sizeof(To)) {
    const From* x = reinterpret_cast<const From*>(from);
    To* y = reinterpret_cast<To*>(to);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = cast<To>(x[i]);
    return;
  }
  for (int64_t i = 0; i < n; ++i)
    *reinterpret_cast<To*>(to + i * to_stride) =
        cast<To>(*reinterpret_cast<const From*>(from + i * from_stride));
}

struct Bytes16 {
  uint64_t low, high;
};

template <class T>
void move(const char* from, int64_t from_stride, char* to, int64_t to_stride, int64_t n) {
  if (to_stride == sizeof(T) && from_stride == sizeof(T)) {
    if (from != to) std::memcpy(to, from, size_t(n) * sizeof(T));
    return;
  }
  if (to_stride == sizeof(T) && from_stride == 0) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    T* y = reinterpret_cast<T*>(to);
    for (int64_t i = 0; i < n; ++i) y[i] = value;
    return;
  }
  for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * to_stride, from + i * from_stride, sizeof(T));
}

}  // namespace

ConvertRun convert_run(DType from, DType to, const char* op) {
  if (from == to) {
    switch (size_of(from)) {
      case 1:
        return move<uint8_t>;
      case 2:
        return move<uint16_t>;
      case 4:
        return move<uint32_t>;
      case 8:
        return move<uint64_t>;
      default:
        return move<Bytes16>;
    }
  }
  return visit_element(from, op, [&]<class From>() {
    return visit_element(to, op, []<class To>() -> ConvertRun { return convert<From, To>; });
  });
}

}  // namespace kiln::kernels
