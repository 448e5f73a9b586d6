#include <doctest/doctest.h>

#include <set>

#include <kiln/nn/nn.h>
#include <kiln/train/evaluate.h>
#include <support/device.h>

#include "data/numbered.h"

using namespace kiln;
using namespace kiln::test;
using data::DataLoader;

namespace {

struct Net : nn::Module {
  nn::Linear unused{3, 3};
  NN_MEMBERS(unused)
  Tensor forward(const Tensor& x) { return x; }
};

}  // namespace

TEST_CASE("accuracy: counts what it sees, and leaves the loader where it is") {
  Tensor x = empty({24, 3}, {.dtype = float32, .device = cpu}),
         y = empty({24}, {.dtype = int64, .device = cpu});
  for (int64_t i = 0; i < 24; ++i) {
    for (int64_t j = 0; j < 3; ++j) x.data<float>()[3 * i + j] = float(j == i % 3);
    y.data<int64_t>()[i] = i < 18 ? i % 3 : (i + 1) % 3;
  }
  Net net;
  const DataLoader loader(data::TensorDataset({x, y}), {.batch_size = 5, .shuffle = true, .workers = 1});
  std::set<std::vector<int64_t>> orders;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    orders.insert(order_of(loader));
    CHECK(train::accuracy(net, loader, device()) == doctest::Approx(0.75));
    CHECK(loader.state().epoch == epoch + 1);
  }
  CHECK(orders.size() == 3);
  const DataLoader part(data::TensorDataset({x, y}), {.batch_size = 5, .drop_last = true});
  CHECK(train::accuracy(net, part, device()) == doctest::Approx(18.0 / 20));
}
