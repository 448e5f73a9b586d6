// scale [ROW ...]: what an element costs at four sizes, each ten times the one before. Cost must grow with
// the work and no faster: ends with status 1 when a row costs more than 1.5 times as much an element a decade
// later. Time is what this thread was given of a processor, so neighbours count for little; caches are
// emptied before each run, or the sizes that fit into them would look cheap. The least of several runs
// counts, and a step that looks too steep is measured again.

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>

#include <fmt/core.h>

#include <kiln/kiln.h>
#include <kiln/tensor/base/fail.h>

namespace {

using namespace kiln;

constexpr int kSizes = 4;
constexpr double kMostGrowth = 1.5;
constexpr int kAttempts = 5;
constexpr int kRuns = 8;
constexpr double kSeconds = 1;  // after which no other run begins

// Runs of a thing of n elements; what is made before the first run is not measured.
using Make = std::function<std::function<void()>(int64_t n)>;
struct Row {
  const char* name;
  int64_t smallest;
  Make make;
};

nn::Sequential layers(int64_t n, const char* prefix = "layer") {
  nn::Sequential net;
  for (int64_t i = 0; i < n; ++i) net.push_back(prefix + std::to_string(i), nn::Linear(1, 1));
  return net;
}

Make on_layers(const std::function<void(nn::Sequential&)>& run) {
  return [run](int64_t n) -> std::function<void()> { return [run, net = layers(n)]() mutable { run(net); }; };
}

std::function<void()> load_state(int64_t n) {
  nn::Sequential net = layers(n);
  const StateDict state = nn::clone(net).state_dict();
  return [net, state]() mutable { net.load_state_dict(state); };
}

std::function<void()> wrong_keys(int64_t n) {
  return [net = layers(n), state = layers(n, "encoder_block_").state_dict()]() mutable {
    try {
      net.load_state_dict(state);
    } catch (const Error&) {
      return;
    }
    fail("scale: the wrong keys were taken");
  };
}

struct Training {
  Tensors params;
  std::unique_ptr<optim::Adam> optimizer;
  explicit Training(int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      params.push_back(ones({1}).requires_grad_());
      params.back().set_grad(ones({1}));
    }
    optimizer = std::make_unique<optim::Adam>(params);
    optimizer->step();
  }
};

Make on_optimizer(const std::function<void(optim::Adam&)>& run) {
  return [run](int64_t n) -> std::function<void()> {
    return [run, training = std::make_shared<Training>(n)] { run(*training->optimizer); };
  };
}

std::function<void()> load_optimizer(int64_t n) {
  const auto training = std::make_shared<Training>(n);
  return
      [training, state = training->optimizer->state_dict()] { training->optimizer->load_state_dict(state); };
}

std::string checkpoint_path() {
  const auto folder =
      std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
  return (folder / ("kiln_scale_" + std::to_string(getpid()) + ".kiln")).string();
}

// A file that goes with the last run.
struct Saved {
  nn::Sequential net;
  train::Checkpoint checkpoint{checkpoint_path()};
  explicit Saved(int64_t n) : net(layers(n)) {
    checkpoint.add("model", net);
    checkpoint.save();
  }
  Saved(const Saved&) = delete;
  ~Saved() { std::filesystem::remove(checkpoint.path()); }
};

Make on_checkpoint(const std::function<void(train::Checkpoint&)>& run) {
  return [run](int64_t n) -> std::function<void()> {
    return [run, saved = std::make_shared<Saved>(n)] { run(saved->checkpoint); };
  };
}

std::function<void()> loader_epoch(int64_t n) {
  struct Epochs {
    data::TensorDataset set;
    data::DataLoader loader;
    explicit Epochs(int64_t n)
        : set({ones({n, 2}), ones({n})}), loader(set, {.batch_size = 10, .shuffle = true}) {}
  };
  return [epochs = std::make_shared<Epochs>(n)] {
    int64_t samples = 0;
    for (const auto& batch : epochs->loader) samples += batch[0].size(0);
    if (samples != epochs->loader.samples()) fail("scale: the loader gave {} samples", samples);
  };
}

std::vector<Row> rows() {
  return {
      {"state_dict", 10, on_layers([](nn::Sequential& net) { net.state_dict(); })},
      {"load_state_dict", 10, load_state},
      {"wrong_keys", 10, wrong_keys},
      {"named_parameters", 10, on_layers([](nn::Sequential& net) { net.named_parameters(); })},
      {"print_module", 10, on_layers([](nn::Sequential& net) { to_string(net); })},
      {"construct_module", 10, [](int64_t n) -> std::function<void()> { return [n] { layers(n); }; }},
      {"first_call", 10,
       [](int64_t n) -> std::function<void()> {
         return [net = layers(n)] {
           const NoGrad no_grad;
           const nn::Sequential fresh = net;  // NOLINT(performance-unnecessary-copy-initialization)
           fresh(ones({1, 1}));
         };
       }},
      {"optimizer_state", 100, on_optimizer([](optim::Adam& adam) { adam.state_dict(); })},
      {"optimizer_load", 100, load_optimizer},
      {"optimizer_step", 100, on_optimizer([](optim::Adam& adam) { adam.step(); })},
      {"checkpoint_save", 100, on_checkpoint([](train::Checkpoint& checkpoint) { checkpoint.save(); })},
      {"checkpoint_load", 100, on_checkpoint([](train::Checkpoint& checkpoint) { checkpoint.load(); })},
      {"loader_epoch", 100, loader_epoch},
  };
}

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

void empty_caches() {
  constexpr size_t kBytes = 64 << 20, kLine = 64;
  static std::vector<char> memory(kBytes);
  for (size_t i = 0; i < kBytes; i += kLine) ++memory[i];
}

// The least time of one run.
double measure(const Row& row, int64_t n) {
  const std::function<void()> run = row.make(n);
  run();
  double least = INFINITY, total = 0;
  for (int i = 0; i < kRuns && total < kSeconds; ++i) {
    empty_caches();
    const double start = processor_seconds();
    run();
    const double seconds = processor_seconds() - start;
    least = std::min(least, seconds);
    total += seconds;
  }
  return least;
}

// Whether the row holds.
bool print(const Row& row) {
  double cost[kSizes] = {};
  int64_t n = row.smallest;
  for (double& each : cost) {
    each = measure(row, n) / double(n);
    n *= 10;
  }
  double worst = 0;
  n = row.smallest;
  for (int i = 1; i < kSizes; ++i, n *= 10) {
    for (int attempt = 0; attempt < kAttempts && cost[i] > kMostGrowth * cost[i - 1]; ++attempt)
      cost[i] = std::min(cost[i], measure(row, 10 * n) / double(10 * n));
    worst = std::max(worst, cost[i] / cost[i - 1]);
  }
  fmt::print("{:18}", row.name);
  n = row.smallest;
  for (const double each : cost) {
    fmt::print(" {:>9.3f} us at {:<7}", each * 1e6, n);
    n *= 10;
  }
  fmt::print(" {:5.2f}x{}\n", worst, worst > kMostGrowth ? "   MISSED" : "");
  std::fflush(stdout);
  return worst <= kMostGrowth;
}

}  // namespace

int main(int count, char** arguments) {
  return train::run_program("scale", [&] {
    const auto wanted = [&](const Row& row) {
      return count == 1 || std::any_of(arguments + 1, arguments + count,
                                       [&](const char* name) { return std::strcmp(name, row.name) == 0; });
    };
    bool held = true;
    fmt::print("what an element costs; the most it may grow in a decade is {}x\n", kMostGrowth);
    for (const Row& row : rows())
      if (wanted(row)) held = print(row) && held;
    return held ? 0 : 1;
  });
}
