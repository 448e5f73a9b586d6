#include <doctest/doctest.h>

#include <kiln/kiln.h>
#include <kiln/train/ema.h>
#include <support/files.h>

using namespace kiln;
using test::error_of;

namespace {

struct Net : nn::Module {
  nn::Linear fc{2, 1, {.bias = false}};
  nn::BatchNorm2d bn{1};
  NN_MEMBERS(fc, bn)
};

void set(const Net& net, double value) {
  const NoGrad scope;
  net.fc.weight.fill_(value);
  net.bn.running_mean.fill_(value);
  net.bn.num_batches_tracked.fill_(int64_t(value));
}

double weight(const Net& net) { return net.fc.weight[0][0].item<double>(); }

}  // namespace

TEST_CASE("EMA: the average of weights and buffers, by its own formula") {
  Net net;
  set(net, 1);
  train::EMA ema(net, {.decay = 0.75, .warm_up = false});
  set(net, 3);
  ema.update();
  ema.update();
  const double expected = 3 - 2 * 0.75 * 0.75;
  const StateDict all = ema.averages();
  CHECK(all.at("fc.weight")[0][1].item<double>() == doctest::Approx(expected));
  CHECK(all.at("bn.running_mean")[0].item<double>() == doctest::Approx(expected));
  CHECK(all.at("bn.num_batches_tracked").item<int64_t>() == 3);
  CHECK(all.size() == net.state_dict().size());
}

TEST_CASE("EMA: the model holds the averages for a while, and the optimiser keeps its parameters") {
  Net net;
  optim::SGD optimizer(net.parameters(), {.lr = 0.5});
  set(net, 1);
  train::EMA ema(net, {.decay = 0.5, .warm_up = false});
  set(net, 2);
  ema.update();
  {
    const train::EMA::Applied averaged(ema);
    CHECK(weight(net) == 1.5);
  }
  CHECK(weight(net) == 2);
  sum(net.fc(ones({1, 2}))).backward();
  optimizer.step();
  CHECK(weight(net) == 1.5);
}

TEST_CASE("EMA: warm-up forgets the first weights sooner") {
  Net net;
  set(net, 0);
  train::EMA ema(net);
  set(net, 1);
  ema.update();
  CHECK(ema.averages().at("fc.weight")[0][0].item<double>() == doctest::Approx(1 - 2.0 / 11));
}

TEST_CASE("EMA: its state goes through a checkpoint") {
  const test::TemporaryFolder folder;
  Net net;
  set(net, 1);
  train::EMA ema(net, {.decay = 0.5, .warm_up = false});
  set(net, 5);
  ema.update();
  train::Checkpoint checkpoint(folder / "x.kiln");
  checkpoint.add("ema", ema);
  checkpoint.save();
  ema.update();
  checkpoint.load();
  CHECK(ema.updates() == 1);
  CHECK(ema.averages().at("fc.weight")[0][0].item<double>() == 3);

  Value other = ema.state_dict();
  other["averages"] = Value(StateDict{{"fc.weight", ones({1, 2})}});
  CHECK(error_of([&] { ema.load_state_dict(other); }) == "EMA: the state has no 'bn.weight'");
  CHECK(error_of([&] { train::EMA bad(net, {.decay = 2}); }) ==
        "EMA: the decay is 2, which is not in 0 .. 1");
}
