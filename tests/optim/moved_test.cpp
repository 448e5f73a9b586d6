#include <doctest/doctest.h>

#include <kiln/kiln.h>

// An optimiser goes on after its module was converted, reordered or moved.

using namespace kiln;

namespace {

struct Net : nn::Module {
  nn::Conv2d conv{3, 4, 3};
  nn::Linear fc{4, 2};
  NN_MEMBERS(conv, fc)
  Tensor forward(const Tensor& x) { return fc(relu(conv(x)).mean({2, 3})); }
};

const Tensor& batch() {
  static const Tensor x = [] {
    Generator generator(3);
    return randn({4, 3, 5, 5}, {}, &generator);
  }();
  return x;
}

template <class Optimizer>
void run_steps(Net& net, Optimizer& optimizer, int steps) {
  for (int i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    net(batch().to(net.fc.weight.dtype())).square().sum().backward();
    optimizer.step();
  }
}

template <class Optimizer, class Options, class Change>
void check_goes_on(const Options& options, double tolerance, Change&& change) {
  Net net;
  Net same = nn::clone(net);
  Optimizer optimizer(net.parameters(), options), other(same.parameters(), options);
  run_steps(net, optimizer, 3);
  run_steps(same, other, 3);
  change(net);
  run_steps(net, optimizer, 3);
  run_steps(same, other, 3);
  const auto expected = same.named_parameters();
  for (size_t i = 0; i < expected.size(); ++i)
    CHECK_MESSAGE(
        allclose(net.parameters()[i].detach().to(float32), expected[i].tensor.detach(), tolerance, tolerance),
        expected[i].name);
}

template <class Change>
void check_all(double tolerance, Change&& change) {
  check_goes_on<optim::Adam>(optim::AdamOptions{.lr = 0.01, .amsgrad = true}, tolerance, change);
  check_goes_on<optim::AdamW>(optim::AdamWOptions{.lr = 0.01}, tolerance, change);
  check_goes_on<optim::SGD>(optim::SGDOptions{.lr = 0.01, .momentum = 0.9}, tolerance, change);
}

// Whether the two lie one after the other, each beginning at a multiple of 64 bytes.
bool are_neighbours(const Tensor& a, const Tensor& b) {
  const int64_t bytes = a.numel() * size_of(a.dtype());
  return static_cast<char*>(b.raw_data()) - static_cast<char*>(a.raw_data()) == (bytes + 63) / 64 * 64;
}

}  // namespace

TEST_CASE("an optimiser goes on after to(dtype)") {
  check_all(1e-4, [](Net& net) { net.to(float64); });
  check_all(5e-2, [](Net& net) { net.to(bfloat16); });
  check_all(1e-4, [](Net& net) {
    net.to(float64);
    net.to(float32);
  });
}

TEST_CASE("an optimiser goes on after to(channels_last), and copies once") {
  check_all(1e-4, [](Net& net) { net.to(MemoryFormat::channels_last); });
  check_all(1e-4,
            [](Net& net) { net.to(MemoryFormat::channels_last).to(float64).to(MemoryFormat::contiguous); });
  Net net;
  optim::Adam optimizer(net.parameters());
  run_steps(net, optimizer, 1);
  net.to(MemoryFormat::channels_last);
  run_steps(net, optimizer, 1);
  CHECK(net.conv.weight.is_contiguous(MemoryFormat::channels_last));
  CHECK(are_neighbours(net.conv.weight, net.conv.bias));
  CHECK(net.conv.weight.grad().is_contiguous(MemoryFormat::channels_last));
  CHECK(optimizer.state_dict().at("state/0/exp_avg").as_tensor().is_contiguous(MemoryFormat::channels_last));
  const void* place = net.conv.weight.raw_data();
  run_steps(net, optimizer, 2);
  CHECK(net.conv.weight.raw_data() == place);
  CHECK(are_neighbours(net.conv.weight.grad(), net.conv.bias.grad()));
}

TEST_CASE("an optimiser goes on after to(device)") {
  const Device home = factory_device();
  check_all(1e-4, [&](Net& net) {
    net.to(cpu);
    net.to(home);
  });
}

TEST_CASE("a gradient made before to(dtype) is used after it") {
  Net net;
  Net same = nn::clone(net);
  optim::SGD optimizer(net.parameters(), {.lr = 0.1}), other(same.parameters(), {.lr = 0.1});
  for (Net* each : {&net, &same}) (*each)(batch()).sum().backward();
  net.to(float64).to(MemoryFormat::channels_last);
  optimizer.step();
  other.step();
  for (size_t i = 0; i < 4; ++i)
    CHECK(allclose(net.parameters()[i].detach().to(float32), same.parameters()[i].detach(), 1e-5, 1e-5));
}

TEST_CASE("memory that is taken by assignment is the optimiser's from the next step on") {
  Net net;
  Net other;
  optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  run_steps(net, optimizer, 2);
  net.load_state_dict(nn::clone(other).state_dict(), {.assign = true});
  run_steps(net, optimizer, 1);
  CHECK(are_neighbours(net.conv.weight, net.conv.bias));
}

TEST_CASE("part of a network may change its dtype") {
  Net net;
  optim::Adam optimizer(net.parameters(), {.lr = 0.01});
  run_steps(net, optimizer, 1);
  net.fc.to(float64);
  for (const Tensor& x : net.parameters()) x.set_grad(ones(x.shape(), {.dtype = x.dtype()}));
  optimizer.step();
  const Value state = optimizer.state_dict();
  CHECK(state.at("state/2/step").as_tensor().item<double>() == 2);
  CHECK(state.at("state/2/exp_avg").as_tensor().dtype() == float64);
  CHECK(state.at("state/0/exp_avg").as_tensor().dtype() == float32);
  optimizer.load_state_dict(state);
}
