#include <fmt/format.h>

#include <filesystem>

#include <kiln/kiln.h>
#include <kiln/models/whole_file.h>
#include <kiln/project/predictions.h>
#include <kiln/tools/command_line.h>

#include "cifar10_net.h"

// Trains on CIFAR-10, in the binary or the Python layout: the classic three-convolution network, or any of
// torchvision's that takes pictures of 32 x 32 (--model resnet34). What it saves, `predict` and, of
// torchvision's, `kiln predict` load.

using namespace kiln;

struct Options {
  std::string data = "cifar-10", out = "cifar10.kiln", events = "runs/cifar10", model = kCifar10Net;
  std::string device;  // "": default_device(), which is asked once the words were understood
  int64_t epochs = 20, batch_size = 64;
  double lr = 0.01;
  uint64_t seed = 0;
  bool every = false, profile = false, resume = false;
  std::string command, go_on;  // that started it, and that goes on
};

models::Model make_net(const Options& options, const std::vector<std::string>& class_names) {
  models::Model net = models::create(options.model, {.num_classes = int64_t(class_names.size())});
  if (options.model != kCifar10Net) {
    net.card.preset.resize = net.card.preset.crop = 32;
    net.card.preset.mean = {0.4914f, 0.4822f, 0.4465f};  // of the training set
    net.card.preset.std = {0.2470f, 0.2435f, 0.2616f};
  }
  net.card.class_names = class_names;
  net.card.command = options.command;
  return net;
}

// The classic network learns from the pictures as they are.
data::Compose transform_of(const models::Model& net, bool training) {
  const image::Preset& preset = net.card.preset;
  std::vector<data::AnyTransform> steps;
  if (training && net.card.architecture != kCifar10Net) {
    steps.emplace_back(data::RandomCrop(32, {.padding = 4}));
    steps.emplace_back(data::RandomHorizontalFlip());
  }
  steps.emplace_back(data::ToFloat());
  steps.emplace_back(
      data::Normalize({preset.mean.begin(), preset.mean.end()}, {preset.std.begin(), preset.std.end()}));
  return data::Compose(std::move(steps));
}

struct Score {
  double loss, accuracy;  // of 1
};

Score score_of(const models::Model& net, const data::DataLoader& test, Device device) {
  const project::Predictions said = project::predict(net, test, device);
  const NoGrad scope;
  return {cross_entropy(said.scores, said.labels).item<double>(),
          mean((argmax(said.scores, 1) == said.labels).to(float64)).item<double>()};
}

// OUT, and with --every also OUT's name with the epoch's number.
void save(models::Model& net, const Options& options, const Score& score, int64_t epoch) {
  net.card.metrics = {{"loss", score.loss}, {"accuracy", score.accuracy}};
  models::save(net, options.out);
  const std::filesystem::path path = options.out;
  if (options.every)
    models::save(net, (path.parent_path() /
                       fmt::format("{}-{}{}", path.stem().string(), epoch, path.extension().string()))
                          .string());
}

int train_net(const Options& options) {
  const train::Interrupt interrupt;
  manual_seed(options.seed);
  const Device device = options.device.empty() ? default_device() : Device(options.device);
  const data::TensorDataset training = data::cifar10(options.data);
  models::Model net = make_net(options, training.class_names());
  net.to(device);
  data::LoaderOptions shuffled = {
      .batch_size = options.batch_size, .shuffle = true, .seed = options.seed, .workers = 1};
  shuffled.transform = transform_of(net, true);
  data::DataLoader loader(training, shuffled);
  const data::DataLoader test(data::cifar10(options.data, {.train = false}),
                              {.batch_size = 500, .transform = transform_of(net, false)});
  optim::SGD optimizer(net.parameters(), {.lr = options.lr});
  int64_t epoch = 0;  // that is trained
  train::Checkpoint checkpoint(std::filesystem::path(options.out).replace_extension(".checkpoint.kiln"));
  checkpoint.add("model", net.module()).add("optimizer", optimizer).add("epoch", epoch);
  if (options.resume && checkpoint.exists())
    checkpoint.load();
  else if (options.resume)
    fmt::print(stderr, "{} is not there: a new run begins\n", checkpoint.path());
  io::EventWriter events(options.events, {.resume_at = epoch > 0 ? epoch + 1 : -1});
  const auto written = [&](int64_t epochs) {
    const std::string when = fmt::format(" (after epoch {})", epochs);
    return epochs == 0 ? std::vector<std::string>()
                       : std::vector{options.out + when, checkpoint.path() + when};
  };
  while (epoch < options.epochs) {
    io::Progress bar(fmt::format("epoch {}/{}", epoch + 1, options.epochs), loader.samples());
    double sum = 0;
    net.train();
    for (const data::Batch& batch : loader.epoch(epoch)) {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(net(batch[0].to(device)), batch[1].to(device));
      loss.backward();
      optimizer.step();
      const double of_batch = loss.item<double>();
      sum += of_batch * double(batch.size());
      bar.advance(batch.size(), of_batch);
      if (interrupt.requested()) {
        bar.finish();
        return train::stopped({.where = fmt::format("epoch {}, of which nothing is kept", epoch + 1),
                               .written = written(epoch),
                               .go_on = options.go_on});
      }
    }
    bar.finish();
    const Score score = score_of(net, test, device);
    ++epoch;
    fmt::print("epoch {}: test loss: {:.4f}, test accuracy: {:.2f} %\n", epoch, score.loss,
               100 * score.accuracy);
    std::fflush(stdout);
    events.scalar("loss/train", sum / double(loader.samples()), epoch);
    events.scalar("loss/test", score.loss, epoch);
    events.scalar("accuracy/test", 100 * score.accuracy, epoch);
    events.flush();
    save(net, options, score, epoch);
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
  add_cifar10_net();
  Options options;
  CLI::App app("Trains a network on CIFAR-10.", "cifar10");
  app.option_defaults()->always_capture_default();
  app.add_option("--data", options.data, "folder of the batch files, binary or Python");
  app.add_option("--model", options.model, "the classic CNN, or one of `kiln models`, as resnet34");
  app.add_option("--out", options.out, "the trained model, saved after each epoch");
  app.add_flag("--every", options.every, "keep each epoch's model too, as cifar10-1.kiln");
  app.add_option("--events", options.events, "folder of what TensorBoard shows");
  app.add_option("--device", options.device, "cpu, cuda or cuda:N; a GPU if there is one");
  app.add_option("--epochs", options.epochs, "passes over the data")->check(CLI::PositiveNumber);
  app.add_option("--batch-size", options.batch_size, "images a step")->check(CLI::PositiveNumber);
  app.add_option("--lr", options.lr, "learning rate")->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed, "of weights, order and augmentation");
  app.add_flag("--resume", options.resume, "go on from the checkpoint beside --out, where there is one");
  app.add_flag("--profile", options.profile,
               "a table of where the time went, and trace.json beside the weights");
  app.footer("Example: cifar10 --data cifar-10-batches-bin --model resnet34 --out resnet34.kiln");
  if (const auto ended = tools::parse_command_line(app, argc, argv)) return *ended;
  options.command = train::command_text(argc, argv);
  options.go_on = train::command_text(argc, argv, "--resume");
  return train::run_program("cifar10", [&] { return run(options); });
}
