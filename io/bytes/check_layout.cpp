#include <kiln/io/bytes/check_layout.h>

#include <algorithm>

#include <kiln/tensor/base/fail.h>

namespace kiln::io {

void check_layout(const Layout& layout, int64_t available, const std::string& where) {
  bool fits =
           layout.shape.rank() == layout.strides.rank() && layout.offset >= 0 && layout.offset <= available,
       is_empty = false;
  int64_t count = 1, last = layout.offset;
  for (int d = 0; fits && d < layout.rank(); ++d) {
    int64_t step = 0;
    is_empty |= layout.shape[d] == 0;
    fits = layout.shape[d] >= 0 && layout.strides[d] >= 0 &&
           !__builtin_mul_overflow(count, std::max<int64_t>(layout.shape[d], 1), &count) &&
           !__builtin_mul_overflow(std::max<int64_t>(layout.shape[d] - 1, 0), layout.strides[d], &step) &&
           !__builtin_add_overflow(last, step, &last);
  }
  if (!fits || last == INT64_MAX || (!is_empty && last >= available))
    fail("{}: a tensor of shape {} with strides {} and offset {} reaches beyond its storage of {} elements",
         where, layout.shape, layout.strides, layout.offset, available);
}

}  // namespace kiln::io
