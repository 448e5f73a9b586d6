#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <kiln/kiln.h>

// Trains the classic three-convolution network on CIFAR-10, in the binary or the Python layout.

using namespace kiln;

struct Net : nn::Module {
  nn::Conv2d conv1{3, 32, 5, {.padding = 2}}, conv2{32, 32, 5, {.padding = 2}},
      conv3{32, 64, 5, {.padding = 2}};
  nn::Linear fc1{1024, 64}, fc2{64, 10};
  NN_MEMBERS(conv1, conv2, conv3, fc1, fc2)

  Tensor forward(const Tensor& x) {
    const Tensor a = max_pool2d(conv1(x), 2);
    const Tensor b = max_pool2d(conv2(a), 2);
    const Tensor c = max_pool2d(conv3(b), 2);
    return fc2(fc1(flatten(c, 1)));
  }
};

int run(const std::string& folder, const std::string& out, int64_t epochs, uint64_t seed,
        const std::string& device_name) {
  const train::Interrupt interrupt;
  manual_seed(seed);
  const Device device(device_name);
  data::DataLoader loader(
      data::cifar10(folder),
      {.batch_size = 64, .shuffle = true, .seed = seed, .workers = 1, .transform = data::ToFloat()});
  const data::DataLoader test(data::cifar10(folder, {.train = false}),
                              {.batch_size = 500, .transform = data::ToFloat()});
  Net net;
  net.to(device);
  optim::SGD optimizer(net.parameters(), {.lr = 0.01});
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    io::Progress bar(fmt::format("epoch {}/{}", epoch + 1, epochs), loader.samples());
    for (const data::Batch& batch : loader.epoch(epoch)) {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(net(batch[0].to(device)), batch[1].to(device));
      loss.backward();
      optimizer.step();
      bar.advance(batch.size(), loss.item<double>());
      if (interrupt.requested()) return train::Interrupt::kExitStatus;
    }
    bar.finish();
    fmt::print("test accuracy: {:.2f} %\n", 100 * train::accuracy(net, test, device));
    io::save(out, net.state_dict());
  }
  return 0;
}

int main(int argc, char** argv) {
  std::string folder = "cifar-10", out = "cifar10.kiln", device = to_string(default_device());
  int64_t epochs = 20;
  uint64_t seed = 0;
  CLI::App app("Trains a CNN on CIFAR-10.");
  app.option_defaults()->always_capture_default();
  app.add_option("--data", folder, "folder of the batch files, binary or Python");
  app.add_option("--out", out, "the trained weights");
  app.add_option("--device", device, "cpu, cuda or cuda:N");
  app.add_option("--epochs", epochs)->check(CLI::PositiveNumber);
  app.add_option("--seed", seed);
  CLI11_PARSE(app, argc, argv);
  return train::run_program("cifar10", [&] { return run(folder, out, epochs, seed, device); });
}
