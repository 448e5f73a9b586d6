#include <kiln/kiln.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

// That names of Kiln and of the standard library can be said side by side without their namespaces.

using namespace kiln;
using namespace kiln::indexing;
using namespace kiln::nn;
using namespace std;  // NOLINT: what the test is about

TEST_CASE("names of the standard library and of Kiln, both without their namespaces") {
  const Tensor x = from_values(vector<float>{1, 2}, {2});
  const auto shown = [](const Tensor& y) { return y.to_vector<double>(); };
  using Reals = vector<double>;
  CHECK(std(x, {}, 0).item<double>() == 0.5);
  CHECK(kiln::std(x, {}, 0).item<double>() == 0.5);
  CHECK(x.std({}, 0).item<double>() == 0.5);
  CHECK(std::max(1, 2) == 2);
  CHECK(shown(abs(-x)) == Reals{1, 2});
  CHECK(abs(-2.5) == 2.5);
  CHECK(shown(round(x * 1.2)) == Reals{1, 2});
  CHECK(shown(floor(x)) == Reals{1, 2});
  CHECK(shown(trunc(x)) == Reals{1, 2});
  CHECK(shown(sqrt(x * x)) == Reals{1, 2});
  CHECK(sqrt(4.0) == 2);
  CHECK(shown(pow(x, 2)) == Reals{1, 4});
  CHECK(shown(exp(log(x * 0 + 1))) == Reals{1, 1});
  CHECK(shown(clamp(x, 0, 1)) == Reals{1, 1});
  CHECK(clamp(3, 0, 1) == 1);
  CHECK(max(x).item<int>() == 2);
  CHECK(min(x, 0).values.item<int>() == 1);
  CHECK(max(1, 2) == 2);
  CHECK(norm(x).item<float>() > 2);
  CHECK(equal(x, x));
  CHECK(shown(remainder(x, x + 1)) == Reals{1, 2});
  CHECK(shown(minimum(x, x)) == Reals{1, 2});
  CHECK(shown(sort(x, 0, true).values) == Reals{2, 1});
  CHECK(shown(index(x, {Slice(1, None)})) == Reals{2});
  CHECK(select(x, 0, 1).item<int>() == 2);
  CHECK(shown(div(x, x)) == Reals{1, 1});
  CHECK(sum(x).item<int>() == 3);
  CHECK(shown(flip(x, {0})) == Reals{2, 1});
  CHECK(shown(roll(x, 1)) == Reals{2, 1});
  CHECK(shown(sin(x * 0)) == Reals{0, 0});
  CHECK(isfinite(x).all().item<bool>());
  const Conv2dOptions conv{.stride = 2};
  const Pool2dOptions pool{.stride = 2};
  const BatchNormOptions norm_options{.training = true};
  CHECK(conv.stride == pool.stride);
  CHECK(norm_options.training);
}

TEST_CASE("what the documentation names is in kiln.h") {
  CHECK(gradcheck([](const Tensors& in) { return Tensors{in[0] * 2}; },
                  Tensors{rand({2}, {.dtype = float64, .requires_grad = true})}));
  using Doubled = Tensor (*)(const Tensor&);
  const Doubled doubled = [](const Tensor& x) {
    const NoGrad no_grad;
    return autograd::record("doubled", {x}, x * 2, [](const Tensor& g) { return g * 2; });
  };
  CHECK(doubled(ones({1})).item<int>() == 2);
}
