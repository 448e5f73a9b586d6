#include <kiln/tensor/dtype/cast.h>

#include <kiln/tensor/dtype/element.h>

namespace kiln {

void cast_floating(const Tensor& from, const Tensor& to) {
  visit_floating(from.dtype(), "cast", [&]<class From>() {
    visit_floating(to.dtype(), "cast", [&]<class To>() {
      const auto* in = static_cast<const From*>(from.raw_data());
      auto* out = static_cast<To*>(to.raw_data());
      const auto one = [](const From& x) {
        if constexpr (sizeof(To) == 8)
          return To(x);
        else
          return To(float(x));
      };
      if (from.is_contiguous()) {
        const int64_t count = from.numel();
        for (int64_t i = 0; i < count; ++i) out[i] = one(in[i]);
      } else {
        for_each_offset(from.layout(), [&](int64_t offset) { *out++ = one(in[offset]); });
      }
    });
  });
}

}  // namespace kiln
