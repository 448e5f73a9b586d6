#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <vector>

#include <kiln/kernels/base/primitives.h>
#include <kiln/kiln.h>
#include <kiln/models/residual/resnet.h>
#include <kiln/tensor/cpu/allocator.h>

#include "nets.h"

// The workloads that run.py compares with torch_peer.py: workloads WORKLOAD SECONDS prints seconds a step
// (the median), then the system allocations and oneDNN primitives that the measured steps made, and the mean
// of the seconds.

using namespace kiln;
using namespace kiln::benchmarks;
using Clock = std::chrono::steady_clock;

namespace {

using Step = std::function<void()>;

// Model and optimiser live in the step.
template <class Net, class Loss>
Step training_step(Net model, optim::SGDOptions options, Loss loss, const Tensor& x, const Tensor& y) {
  auto optimizer = std::make_shared<optim::SGD>(model.parameters(), options);
  auto net = std::make_shared<Net>(std::move(model));
  return [=] {
    optimizer->zero_grad();
    loss((*net)(x), y).backward();
    optimizer->step();
  };
}

const auto kCrossEntropy = [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); };

Tensor images(int64_t channels, int64_t size) {
  return randn({64, channels, size, size}, {.memory_format = MemoryFormat::channels_last});
}

Step mlp_step() {
  const Tensor x =
      tensor({3.3, 4.4, 5.5, 6.71, 6.93, 4.168, 9.779, 6.182, 7.59, 2.167, 7.042, 10.791, 5.313, 7.997, 3.1});
  const Tensor y = tensor(
      {1.7, 2.76, 2.09, 3.19, 1.694, 1.573, 3.366, 2.596, 2.53, 1.221, 2.827, 3.465, 1.65, 2.904, 1.3});
  const auto loss = [](const Tensor& a, const Tensor& b) { return mse_loss(a, b); };
  return training_step(Mlp(), {.lr = 0.01}, loss, x.reshape({-1, 1}), y.reshape({-1, 1}));
}

Step add_one() {
  return [a = tensor({1.f}), b = tensor({2.f})] {
    const NoGrad scope;
    for (int i = 0; i < 1000; ++i) add(a, b);
  };
}

Step cifar_cnn_step() {
  return training_step(CifarNet(), {.lr = 0.01}, kCrossEntropy, images(3, 32), randint(0, 10, {64}));
}

Step fashion_cnn_step() {
  return training_step(FashionNet(), {.lr = 0.05, .momentum = 0.9, .weight_decay = 5e-4}, kCrossEntropy,
                       images(1, 28), randint(0, 10, {64}));
}

Step resnet18_step() {
  return training_step(nn::models::resnet18(), {.lr = 0.05, .momentum = 0.9, .weight_decay = 5e-4},
                       kCrossEntropy, images(3, 32), randint(0, 1000, {64}));
}

Step adam_step() {
  Tensors parameters;
  for (int i = 0; i < 5; ++i) parameters.push_back(randn(5'000'000).requires_grad_());
  auto optimizer = std::make_shared<optim::Adam>(parameters, optim::AdamOptions{.lr = 1e-3});
  for (const Tensor& p : parameters) p.set_grad(randn_like(p));
  return [optimizer] { optimizer->step(); };
}

Step bn_relu() {
  auto bn = std::make_shared<nn::BatchNorm2d>(64);
  const TensorOptions options = {.memory_format = MemoryFormat::channels_last};
  const Tensor x = randn({64, 64, 32, 32}, options), g = randn({64, 64, 32, 32}, options);
  x.requires_grad_();
  return [=] {
    x.set_grad({});
    bn->relu(x).backward(g);
  };
}

struct Workload {
  const char* name;
  Step (*make)();
};
constexpr Workload kWorkloads[] = {{"mlp_step", mlp_step},
                                   {"add_one", add_one},
                                   {"cifar_cnn_step", cifar_cnn_step},
                                   {"fashion_cnn_step", fashion_cnn_step},
                                   {"resnet18_step", resnet18_step},
                                   {"adam_step", adam_step},
                                   {"bn_relu", bn_relu}};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// As torch_peer.py measures: three steps and then 0.3 of the time to warm up, then single steps.
double median_step(const Step& step, double seconds, int64_t* allocations, int64_t* primitives,
                   double* mean) {
  for (int i = 0; i < 3; ++i) step();
  for (const auto start = Clock::now(); seconds_since(start) < 0.3 * seconds;) step();
  const int64_t allocated = host::memory_statistics().system_allocations,
                created = kernels::primitives_created();
  std::vector<double> times;
  for (const auto start = Clock::now(); seconds_since(start) < seconds || times.size() < 5;) {
    const auto before = Clock::now();
    step();
    times.push_back(seconds_since(before));
  }
  *allocations = host::memory_statistics().system_allocations - allocated;
  *primitives = kernels::primitives_created() - created;
  *mean = std::accumulate(times.begin(), times.end(), 0.0) / double(times.size());
  std::nth_element(times.begin(), times.begin() + int64_t(times.size() / 2), times.end());
  return times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    fmt::print("Kiln, {} threads\n", num_threads());
    return 0;
  }
  if (argc == 3)
    for (const Workload& workload : kWorkloads)
      if (workload.name == std::string_view(argv[1])) {
        int64_t allocations, primitives;
        double mean;
        const double time =
            median_step(workload.make(), std::atof(argv[2]), &allocations, &primitives, &mean);
        fmt::print("{} {} {} {}\n", time, allocations, primitives, mean);
        return 0;
      }
  fmt::print(stderr, "usage: workloads WORKLOAD SECONDS\n");
  return 1;
}
