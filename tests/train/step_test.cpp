#include <doctest/doctest.h>

#include <kiln/train/train.h>
#include <support/check_op.h>
#include <support/device.h>

using namespace kiln;
using test::expect_error;

namespace {

struct Net : nn::Module {
  nn::Linear first{3, 5}, last{5, 2};
  NN_MEMBERS(first, last)
  Tensor forward(const Tensor& x) { return last(relu(first(x))); }
};

// Two epochs of five batches, of which the last is shorter.
constexpr int64_t kEpoch[] = {4, 4, 4, 4, 3};
constexpr int kBatches = 10;

// Batch i, in memory of its own.
Tensors batch(int i, Device device) {
  Generator numbers{uint64_t(i)};
  const int64_t size = kEpoch[i % std::size(kEpoch)];
  return {randn({size, 3}, {.device = cpu}, &numbers).to(device),
          randint(0, 2, {size}, {.dtype = int64, .device = cpu}, &numbers).to(device)};
}

struct Trained {
  std::vector<double> losses, weight;
  bool operator==(const Trained&) const = default;
};

// Trains on the batches, which stay as they were. Where batch i comes from is home(i).
Trained train_on(bool graph, Device (*home)(int i)) {
  manual_seed(1);
  Net net;
  optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  train::Step step(test::device(), graph, [&](const Tensors& x) {
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(net(x[0]), x[1]);
    loss.backward();
    optimizer.step();
    return loss;
  });
  train::Losses losses;
  std::vector<Tensors> batches;
  for (int i = 0; i < kBatches; ++i) {
    batches.push_back(batch(i, home(i)));
    losses.add(step(batches.back()));
  }
  for (int i = 0; i < kBatches; ++i) {
    CAPTURE(i);
    const Tensors before = batch(i, home(i));
    for (size_t k = 0; k < before.size(); ++k) CHECK(equal(batches[size_t(i)][k], before[k]));
  }
  return {losses.read(), net.first.weight.to_vector<double>()};
}

Device at_host(int) { return cpu; }
Device on_device(int) { return test::device(); }
Device first_on_device(int i) { return i < 3 ? test::device() : cpu; }
Device later_on_device(int i) { return i < 3 ? cpu : test::device(); }

}  // namespace

TEST_CASE("train::Step: losses are those of the loop by hand, and batches stay as they were") {
  const Trained expected = train_on(false, at_host);
  REQUIRE(expected.losses.size() == kBatches);
  CHECK(expected.losses.back() < expected.losses.front());
  CHECK(train_on(false, on_device) == expected);
  CHECK(train_on(false, first_on_device) == expected);
}

TEST_CASE("train::Step: a graph gives the same bits and leaves batches alone, wherever they are") {
  if (!test::device().is_cuda())
    return expect_error("a graph needs a GPU, the device is cpu", [] { train_on(true, at_host); });
  const Trained expected = train_on(false, at_host);
  CHECK(train_on(true, at_host) == expected);
  CHECK(train_on(true, on_device) == expected);
  CHECK(train_on(true, first_on_device) == expected);
  CHECK(train_on(true, later_on_device) == expected);
}
