#include <cstdio>
#include <string>

#include <kiln/kiln.h>

// Trains a two-layer network on xor.

using namespace kiln;

struct Net : nn::Module {
  nn::Linear hidden{2, 8}, output{8, 1};
  NN_MEMBERS(hidden, output)
  Tensor forward(const Tensor& x) { return output(tanh(hidden(x))); }
};

// Users' code may be compiled without run-time types; the library's is not.
bool knows_types() {
  nn::Sequential layers(nn::Linear(2, 4), Net());
  if (layers.get<nn::Linear>(0).weight.numel() != 8 || to_string(layers).find("Linear") == std::string::npos)
    return false;
  try {
    layers.get<nn::ReLU>(0);
  } catch (const Error& error) {
    return std::string(error.what()).find("Linear: the module is not a ReLU") != std::string::npos;
  }
  return false;
}

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
  return loss < 0.01 && knows_types() ? 0 : 1;
}
