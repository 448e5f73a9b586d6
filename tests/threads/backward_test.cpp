#include <doctest/doctest.h>

#include <atomic>
#include <optional>

#include "threads/together.h"

using namespace kiln;
using namespace kiln::test;

namespace {

constexpr int kThreads = 4, kRuns = 200;

bool all_are(const Tensor& x, double value) {
  return x.defined() && x.min().item<double>() == value && x.max().item<double>() == value;
}

}  // namespace

TEST_CASE("backward of several threads into one parameter adds up every gradient") {
  int lost = 0;
  for (int run = 0; run < kRuns; ++run) {
    const Tensor w = zeros({2000}, {.requires_grad = true});
    together(kThreads, [&](int) {
      for (int k = 0; k < 2; ++k) (w * 1.0).sum().backward();
    });
    lost += !all_are(w.grad(), 2 * kThreads);
  }
  CHECK(lost == 0);
}

TEST_CASE("threads train one network's gradients together") {
  constexpr int kSteps = kUnderThreadSanitizer ? 3 : 20;
  manual_seed(2);
  ConvNet net;
  net.eval();  // batch norm's running statistics are one thread's to write
  const Tensor x = ones({2, 3, 12, 12});
  (net(x) * 0.0).sum().backward();
  for (const Tensor& p : net.parameters()) p.set_grad({});
  net(x).sum().backward();
  std::vector<Tensor> once;
  for (const Tensor& p : net.parameters()) {
    once.push_back(p.grad().clone());
    p.set_grad({});
  }
  together(kThreads, [&](int) {
    for (int step = 0; step < kSteps; ++step) net(x).sum().backward();
  });
  size_t i = 0;
  for (const Tensor& p : net.parameters()) {
    const Tensor want = once[i++] * double(kThreads * kSteps);
    CHECK((p.grad() - want).abs().max().item<float>() <= 1e-4f * (1 + want.abs().max().item<float>()));
  }
}

TEST_CASE("a graph that several threads built, one after the other") {
  const Tensor x = ones({3}, {.requires_grad = true});
  Tensor a;
  std::thread([&] {
    Tensor z = x;
    for (int i = 0; i < 50; ++i) z = z * 1;
    a = z * 1;
  }).join();
  const Tensor b = a * 2, c = (a + b).sum();
  CHECK(grad({c}, {a})[0].to_vector<float>() == std::vector<float>(3, 3));
  std::thread([&] { c.backward(); }).join();
  CHECK(x.grad().to_vector<float>() == std::vector<float>(3, 3));
}

TEST_CASE("a graph outlives the thread that built it, and its last user may be any thread") {
  std::optional<Tensor> loss;
  const Tensor x = ones({3}, {.requires_grad = true});
  std::thread([&] {
    Tensor z = x;
    for (int i = 0; i < 10'000; ++i) z = z + 1;
    loss = z.sum();
  }).join();
  std::thread([&] { loss.reset(); }).join();
  CHECK(x.sum().item<float>() == 3);
}

TEST_CASE("backward of several threads through one graph: one frees it, the others throw") {
  int wrong = 0;
  for (int run = 0; run < kRuns; ++run) {
    const Tensor x = full({50}, 2.0, {.requires_grad = true});
    const Tensor y = ((x * x).exp() * x).sum();
    std::atomic<int> done = 0, refused = 0;
    together(kThreads, [&](int) {
      try {
        y.backward();
        ++done;
      } catch (const Error&) {
        ++refused;
      }
    });
    wrong += done != 1 || refused != kThreads - 1 || !all_are(x.grad(), x.grad().max().item<double>());
  }
  CHECK(wrong == 0);
}

TEST_CASE("backward of several threads through one graph that is kept") {
  int wrong = 0;
  for (int run = 0; run < kRuns; ++run) {
    const Tensor x = full({50}, 3.0, {.requires_grad = true});
    const Tensor y = (x * x * 0.5).sum();
    together(kThreads, [&](int) { y.backward({}, true); });
    wrong += !all_are(x.grad(), 3.0 * kThreads);
  }
  CHECK(wrong == 0);
}
