#include <kiln/kiln.h>
namespace kiln {
Tensor softmax(const Tensor& x, int) { return x; }
Tensor log_softmax(const Tensor& x, int) { return x; }
Tensor scatter_add(const Tensor& x, int, const Tensor&, const Tensor&) { return x; }
}
