#include <cstdio>

#include <kiln/kiln.h>

// Trains a two-layer network on xor.

using namespace kiln;

struct Net : nn::Module {
  nn::Linear hidden{2, 8}, output{8, 1};
  NN_MEMBERS(hidden, output)
  Tensor forward(const Tensor& x) { return output(tanh(hidden(x))); }
};

int main() {
  const Tensor x = tensor({{0.f, 0.f}, {0.f, 1.f}, {1.f, 0.f}, {1.f, 1.f}}),
               y = tensor({{0.f}, {1.f}, {1.f}, {0.f}});
  manual_seed(0);
  Net net;
  optim::Adam optimizer(net.parameters(), {.lr = 0.05});
  for (int step = 0; step < 300; ++step) {
    optimizer.zero_grad();
    mse_loss(net(x), y).backward();
    optimizer.step();
  }
  const double loss = mse_loss(net(x), y).item<double>();
  std::printf("loss %g\n", loss);
  return loss < 0.01 ? 0 : 1;
}
