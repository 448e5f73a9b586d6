#include <kiln/kernels/norm/layer_norm.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::kernels {

LayerNormGeometry LayerNormGeometry::of(const Shape& x, const Shape& normalized) {
  const int outer = x.rank() - normalized.rank();
  bool fits = outer >= 0 && normalized.rank() > 0;
  LayerNormGeometry g{1, 1};
  for (int i = 0; fits && i < x.rank(); ++i) {
    if (i >= outer) fits = x[i] == normalized[i - outer];
    (i < outer ? g.rows : g.size) *= x[i];
  }
  if (!fits) fail("layer_norm: the last dimensions of x {} must be {}", x, normalized);
  return g;
}

}  // namespace kiln::kernels
