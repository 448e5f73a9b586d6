#include <fmt/format.h>

#include <filesystem>

#include <kiln/kiln.h>
#include <kiln/tools/command_line.h>

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

struct Options {
  std::string data = "cifar-10", out = "cifar10.kiln";
  std::string device;  // "": default_device(), which is asked once the words were understood
  int64_t epochs = 20;
  uint64_t seed = 0;
  bool profile = false, resume = false;
  std::string command;  // that goes on
};

int train_net(const Options& options) {
  const train::Interrupt interrupt;
  manual_seed(options.seed);
  const Device device = options.device.empty() ? default_device() : Device(options.device);
  data::DataLoader loader(
      data::cifar10(options.data),
      {.batch_size = 64, .shuffle = true, .seed = options.seed, .workers = 1, .transform = data::ToFloat()});
  const data::DataLoader test(data::cifar10(options.data, {.train = false}),
                              {.batch_size = 500, .transform = data::ToFloat()});
  Net net;
  net.to(device);
  optim::SGD optimizer(net.parameters(), {.lr = 0.01});
  int64_t epoch = 0;  // that is trained
  train::Checkpoint checkpoint(std::filesystem::path(options.out).replace_extension(".checkpoint.kiln"));
  checkpoint.add("model", net).add("optimizer", optimizer).add("epoch", epoch);
  if (options.resume && checkpoint.exists())
    checkpoint.load();
  else if (options.resume)
    fmt::print(stderr, "{} is not there: a new run begins\n", checkpoint.path());
  const auto written = [&](int64_t epochs) {
    const std::string when = fmt::format(" (after epoch {})", epochs);
    return epochs == 0 ? std::vector<std::string>()
                       : std::vector{options.out + when, checkpoint.path() + when};
  };
  while (epoch < options.epochs) {
    io::Progress bar(fmt::format("epoch {}/{}", epoch + 1, options.epochs), loader.samples());
    for (const data::Batch& batch : loader.epoch(epoch)) {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(net(batch[0].to(device)), batch[1].to(device));
      loss.backward();
      optimizer.step();
      bar.advance(batch.size(), loss.item<double>());
      if (interrupt.requested()) {
        bar.finish();
        return train::stopped({.where = fmt::format("epoch {}, of which nothing is kept", epoch + 1),
                               .written = written(epoch),
                               .go_on = options.command});
      }
    }
    bar.finish();
    fmt::print("test accuracy: {:.2f} %\n", 100 * train::accuracy(net, test, device));
    ++epoch;
    io::save(options.out, net.state_dict());
    checkpoint.save();
  }
  return 0;
}

int run(const Options& options) {
  if (!options.profile) return train_net(options);
  profile::Session session;
  const int status = train_net(options);
  fmt::print("{}", session.table());
  session.write_trace((std::filesystem::path(options.out).parent_path() / "trace.json").string());
  return status;
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Trains a CNN on CIFAR-10.", "cifar10");
  app.option_defaults()->always_capture_default();
  app.add_option("--data", options.data, "folder of the batch files, binary or Python");
  app.add_option("--out", options.out, "the trained weights");
  app.add_option("--device", options.device, "cpu, cuda or cuda:N; a GPU if there is one");
  app.add_option("--epochs", options.epochs, "passes over the data")->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed, "of weights and order");
  app.add_flag("--resume", options.resume, "go on from the checkpoint beside --out, where there is one");
  app.add_flag("--profile", options.profile,
               "a table of where the time went, and trace.json beside the weights");
  if (const auto ended = tools::parse_command_line(app, argc, argv)) return *ended;
  options.command = train::command_text(argc, argv, "--resume");
  return train::run_program("cifar10", [&] { return run(options); });
}
