#include <kiln/kernels/norm/batch_norm.h>

namespace kiln::kernels {

BatchNormGeometry BatchNormGeometry::of(const Layout& x) {
  const int64_t channels = x.shape[1];
  int64_t outer = x.shape[0], inner = 1;
  for (int i = 2; i < x.rank(); ++i) inner *= x.shape[i];
  if (inner == 0) outer = 0;  // of so many images without pixels none needs a look
  if (x.is_contiguous()) return {outer, channels, inner};
  return {outer * inner, channels, 1};
}

}  // namespace kiln::kernels
