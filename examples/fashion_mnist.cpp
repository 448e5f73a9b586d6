#include <fmt/format.h>
#include <kiln/kiln.h>
#include <kiln/tools/command_line.h>

// Trains a small CNN on Fashion-MNIST. It may be interrupted, or killed, at any moment and go on with
// --resume: it ends in the same bits.

using namespace kiln;

struct Net : nn::Module {
  nn::Conv2d conv1{1, 32, 3, {.padding = 1, .bias = false}};
  nn::BatchNorm2d bn1{32};
  nn::Conv2d conv2{32, 64, 3, {.padding = 1, .bias = false}};
  nn::BatchNorm2d bn2{64};
  nn::Linear fc1{3136, 128}, fc2{128, 10};
  NN_MEMBERS(conv1, bn1, conv2, bn2, fc1, fc2)
  Tensor forward(const Tensor& x) {
    const Tensor y = max_pool2d(bn1.relu(conv1(x)), 2);
    const Tensor z = max_pool2d(bn2.relu(conv2(y)), 2);
    return fc2(relu(fc1(flatten(z, 1))));
  }
};

constexpr int64_t kReadEvery = 20;  // steps between looks at the losses, which wait for the device

struct Options {
  std::string data = data::kFashionMnistFolder, out = "runs/fashion_mnist";
  std::string device;  // "": default_device(), which is asked once the words were understood
  int64_t epochs = 5, batch_size = 64, save_every = 200;
  double lr = 0.1;
  uint64_t seed = 0;
  std::string amp;  // "": float32
  bool profile = false, resume = false, graph = false;
  std::string command;  // that goes on
};

// precision: float32, or that of an Autocast.
Tensor train_on(Net& net, optim::SGD& optimizer, optim::GradScaler& scaler, DType precision,
                const Tensors& batch) {
  optimizer.zero_grad();
  Tensor loss;
  {
    const Autocast amp(precision, precision != float32);
    loss = cross_entropy(net(batch[0]), batch[1]);
  }
  scaler.scale(loss).backward();
  scaler.step(optimizer);
  scaler.update();
  return loss;
}

void draw(const std::string& folder, const std::vector<double>& losses,
          const std::vector<double>& accuracies) {
  io::Plot({.title = "training loss", .x_label = "epoch"}).line("loss", losses).save(folder + "/loss.svg");
  io::Plot({.title = "test accuracy, %", .x_label = "epoch"})
      .line("accuracy", accuracies)
      .save(folder + "/accuracy.svg");
}

data::Compose as_input() { return data::Compose({data::ToFloat(), data::Normalize({0.2860f}, {0.3530f})}); }

data::DataLoader training_data(const Options& options) {
  data::LoaderOptions shuffled = {
      .batch_size = options.batch_size, .shuffle = true, .seed = options.seed, .workers = 1};
  shuffled.transform = data::Compose({data::RandomHorizontalFlip(), as_input()});
  return data::DataLoader(data::fashion_mnist(options.data), shuffled);
}

data::DataLoader test_data(const Options& options) {
  return data::DataLoader(data::fashion_mnist(options.data, {.train = false}),
                          {.batch_size = 500, .transform = as_input()});
}

void go_on(train::Checkpoint& checkpoint) {
  if (checkpoint.exists())
    checkpoint.load();
  else
    fmt::print(stderr, "{} is not there: a new run begins\n", checkpoint.path());
}

int stopped(const Options& options, const train::Checkpoint& checkpoint, int64_t step,
            int64_t steps_an_epoch) {
  return train::stopped({.where = fmt::format("epoch {}, after step {}", step / steps_an_epoch + 1, step),
                         .written = {checkpoint.path()},
                         .go_on = options.command});
}

// Adds up the losses that have come since the last time, and gives the newest.
double read_losses(train::Losses& recent, io::Progress& bar, double& sum) {
  double last = 0;
  for (const double loss : recent.read()) {
    sum += last = loss;
    bar.advance(0, loss);
  }
  return last;
}

int train_net(const Options& options) {
  const train::Interrupt interrupt;
  manual_seed(options.seed);
  const Device device = options.device.empty() ? default_device() : Device(options.device);
  data::DataLoader loader = training_data(options);
  const data::DataLoader test = test_data(options);
  Net net;
  net.to(device);
  optim::SGD optimizer(net.parameters(), {.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true});
  optim::OneCycleLR schedule(optimizer, options.lr, {.total_steps = options.epochs * loader.size()});
  const DType precision = options.amp.empty() ? float32 : dtype_from_name(options.amp);
  optim::GradScaler scaler({.enabled = precision == float16});
  train::Step train_step(device, options.graph, [&](const Tensors& batch) {
    return train_on(net, optimizer, scaler, precision, batch);
  });

  int64_t step = 0;
  double loss_sum = 0;
  train::Losses recent;
  std::vector<double> losses, accuracies;
  train::Checkpoint checkpoint(options.out + "/checkpoint.kiln");
  checkpoint.add("model", net).add("optimizer", optimizer).add("schedule", schedule).add("loader", loader);
  checkpoint.add("step", step).add("loss_sum", loss_sum).add("losses", losses).add("accuracies", accuracies);
  if (scaler.is_enabled()) checkpoint.add("scaler", scaler);
  if (options.resume) go_on(checkpoint);
  io::EventWriter events(options.out, {.resume_at = step > 0 ? step : -1});
  for (int64_t epoch = int64_t(accuracies.size()); epoch < options.epochs; ++epoch) {
    io::Progress bar(fmt::format("epoch {}/{}", epoch + 1, options.epochs), loader.samples());
    bar.resume_at(std::min((step - epoch * loader.size()) * options.batch_size, loader.samples()));
    for (const data::Batch& batch : loader.epoch(epoch)) {
      recent.add(train_step(batch.tensors));
      schedule.step();
      bar.advance(batch.size());
      ++step;
      const bool leaves = interrupt.requested(), saves = leaves || step % options.save_every == 0;
      if (saves || step % kReadEvery == 0 || step % loader.size() == 0) {
        const double last = read_losses(recent, bar, loss_sum);
        if (step % kReadEvery == 0) events.scalar("loss/train", last, step);
      }
      if (saves) checkpoint.save();
      if (leaves) {
        bar.finish();
        return stopped(options, checkpoint, step, loader.size());
      }
    }
    losses.push_back(loss_sum / double(loader.size()));
    accuracies.push_back(100 * train::accuracy(net, test, device));
    loss_sum = 0;
    events.scalar("accuracy/test", accuracies.back(), step);
    bar.finish(fmt::format("test accuracy {:.2f} %", accuracies.back()));
    if (std::ranges::max(accuracies) == accuracies.back())
      io::save(options.out + "/best.kiln", net.state_dict());
    checkpoint.save();
    draw(options.out, losses, accuracies);
    if (interrupt.requested() && epoch + 1 < options.epochs)
      return stopped(options, checkpoint, step, loader.size());
  }
  fmt::print("test accuracy: {:.2f} %\n", accuracies.back());
  return 0;
}

int run(const Options& options) {
  if (!options.profile) return train_net(options);
  profile::Session session;
  const int status = train_net(options);
  fmt::print("{}", session.table());
  session.write_trace(options.out + "/trace.json");
  return status;
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Trains a small CNN on Fashion-MNIST.", "fashion_mnist");
  app.option_defaults()->always_capture_default();
  app.add_option("--data", options.data, "folder of the four IDX files");
  app.add_option("--out", options.out, "folder for checkpoint, weights, curves and events");
  app.add_option("--device", options.device, "cpu, cuda or cuda:N; a GPU if there is one");
  app.add_option("--epochs", options.epochs, "passes over the data")->check(CLI::PositiveNumber);
  app.add_option("--batch-size", options.batch_size, "images a step")->check(CLI::PositiveNumber);
  app.add_option("--lr", options.lr, "the highest learning rate, 30 % of the way")
      ->check(CLI::PositiveNumber);
  app.add_option("--save-every", options.save_every, "steps between checkpoints")->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed, "of weights, order and augmentation");
  app.add_option("--amp", options.amp,
                 "mixed precision: bfloat16, also without a word, or float16 with a GradScaler; "
                 "else float32")
      ->option_text("[bfloat16|float16]")
      ->expected(0, 1)
      ->default_str("bfloat16")
      ->check(CLI::IsMember({"bfloat16", "float16"}));
  app.add_flag("--graph", options.graph, "steps as a CUDA graph");
  app.add_flag("--resume", options.resume, "go on from the checkpoint in --out, where there is one");
  app.add_flag("--profile", options.profile,
               "a table of where the time went, and trace.json in the folder of --out");
  if (const auto ended = tools::parse_command_line(app, argc, argv)) return *ended;
  options.command = train::command_text(argc, argv, "--resume");
  return train::run_program("fashion_mnist", [&] { return run(options); });
}
