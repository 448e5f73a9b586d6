#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include <kiln/kiln.h>

#include "optimizer_expected.h"

using namespace kiln;

namespace {

constexpr int kSteps = 20;
const Shape kShapes[] = {{3, 4}, {5}};

Tensor fractions(const Shape& shape, DType dtype, int64_t factor, int64_t shift, int64_t modulus) {
  std::vector<double> values;
  const int64_t middle = modulus / 2;
  for (int64_t i = 0; i < numel(shape); ++i)
    values.push_back(double((i * factor + shift) % modulus - middle) / 64);
  return from_values(values, shape).to(dtype);
}

Tensors make_params(DType dtype) {
  Tensors params;
  for (int k = 0; k < 2; ++k) {
    params.push_back(fractions(kShapes[k], dtype, 37, 11 * k, 101));
    params.back().requires_grad_();
  }
  return params;
}

Tensor make_grad(int k, int step, DType dtype) {
  return fractions(kShapes[k], dtype, 53, step * 29 + 7 * k, 97);
}

void run_steps(optim::Optimizer& opt, const Tensors& params, bool skip, int begin = 0, int end = kSteps) {
  for (int step = begin; step < end; ++step) {
    opt.zero_grad();
    for (int k = 0; k < 2; ++k)
      if (!(skip && k == 1 && step % 3 == 0))
        params[size_t(k)].backward(make_grad(k, step, params[0].dtype()));
    opt.step();
  }
}

std::vector<double> values_of(const Tensors& tensors) {
  std::vector<double> all;
  for (const Tensor& x : tensors)
    for (const double value : x.to_vector<double>()) all.push_back(value);
  return all;
}

void check_close(const std::vector<double>& got, std::span<const double> want, double tolerance) {
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(got[i] - want[i]) <= tolerance * (std::abs(want[i]) + 0.1));
  }
}

template <class Opt, class Options>
void check_case(const Options& options, std::span<const double> want, std::span<const double> want_double) {
  {
    const Tensors params = make_params(float32);
    Opt opt(params, options);
    run_steps(opt, params, false);
    check_close(values_of(params), want, 1e-6);
  }
  {
    const Tensors params = make_params(float64);
    Opt opt(params, options);
    run_steps(opt, params, true);
    check_close(values_of(params), want_double, 1e-13);
  }
}

}  // namespace

TEST_CASE("SGD takes PyTorch's steps") {
  using namespace expected;
  using optim::SGD, optim::SGDOptions;
  struct Row {
    const char* name;
    SGDOptions options;
    std::span<const double> want, want_double;
  };
  const Row rows[] = {
      {"plain", {.lr = 0.1}, sgd, sgd_double},
      {"decay", {.lr = 0.1, .weight_decay = 0.05}, sgd_decay, sgd_decay_double},
      {"momentum", {.lr = 0.05, .momentum = 0.9}, sgd_momentum, sgd_momentum_double},
      {"dampening",
       {.lr = 0.05, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.01},
       sgd_dampening,
       sgd_dampening_double},
      {"nesterov",
       {.lr = 0.05, .momentum = 0.8, .weight_decay = 0.02, .nesterov = true},
       sgd_nesterov,
       sgd_nesterov_double},
      {"maximize", {.lr = 0.05, .momentum = 0.8, .maximize = true}, sgd_maximize, sgd_maximize_double},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    check_case<SGD>(row.options, row.want, row.want_double);
  }
}

TEST_CASE("Adam and AdamW take PyTorch's steps") {
  using namespace expected;
  using optim::Adam, optim::AdamW, optim::AdamOptions, optim::AdamWOptions;
  check_case<Adam>(AdamOptions{}, adam, adam_double);
  check_case<Adam>(AdamOptions{.lr = 0.1, .betas = {0.8, 0.95}, .eps = 1e-3}, adam_large, adam_large_double);
  check_case<Adam>(AdamOptions{.lr = 0.01, .weight_decay = 0.1}, adam_decay, adam_decay_double);
  check_case<Adam>(AdamOptions{.lr = 0.02, .amsgrad = true}, adam_amsgrad, adam_amsgrad_double);
  check_case<Adam>(AdamOptions{.lr = 0.02, .weight_decay = 0.1, .maximize = true}, adam_maximize,
                   adam_maximize_double);
  check_case<AdamW>(AdamWOptions{.lr = 0.02}, adamw, adamw_double);
  check_case<AdamW>(AdamWOptions{.lr = 0.02, .weight_decay = 0.2, .amsgrad = true}, adamw_amsgrad,
                    adamw_amsgrad_double);
}

TEST_CASE("a group that is not there is an Error with the optimiser's name") {
  const Tensor w = ones({2}, {.requires_grad = true});
  optim::SGD sgd({w}, {.lr = 0.1});
  CHECK_THROWS_WITH_AS(sgd.params(5), "SGD: there is no group 5; it has 1, counted from 0", Error);
  CHECK_THROWS_AS(sgd.lr(1), Error);
  CHECK_THROWS_AS(sgd.options(1), Error);
  CHECK_THROWS_AS(sgd.find_note("initial_lr", 1), Error);
  CHECK_THROWS_AS(sgd.set_note("initial_lr", 1, 1), Error);
  CHECK_THROWS_AS(optim::SGD({w}, {.lr = 0.1, .dampening = NAN}), Error);
  CHECK_THROWS_AS(optim::ExponentialLR(sgd, NAN), Error);
  CHECK_THROWS_AS(optim::OneCycleLR(sgd, 0.1, {.epochs = INT64_MAX, .steps_per_epoch = INT64_MAX}), Error);
}

TEST_CASE("an optimiser goes on after weights of another type were assigned") {
  const auto one_step = [](auto& optimizer, nn::Linear& net, DType dtype) {
    optimizer.zero_grad();
    net(ones({1, 2}, {.dtype = dtype})).sum().backward();
    optimizer.step();
  };
  const auto goes_on = [&](auto make) {
    nn::Linear net(2, 1);
    auto optimizer = make(net.parameters());
    one_step(optimizer, net, float32);
    const nn::Linear other = nn::clone(net);
    nn::Linear wide(2, 1);
    wide.to(float64);
    net.load_state_dict(wide.state_dict(), {.assign = true});
    CHECK_FALSE(net.weight.grad().defined());  // as of a new parameter
    const Tensor before = net.weight.detach().clone();
    one_step(optimizer, net, float64);
    one_step(optimizer, net, float64);
    CHECK(net.weight.grad().dtype() == float64);
    CHECK_FALSE(equal(net.weight.detach(), before));
  };
  goes_on([](Tensors p) { return optim::SGD(std::move(p), {.lr = 0.1, .momentum = 0.9}); });
  goes_on([](Tensors p) { return optim::Adam(std::move(p)); });
  goes_on([](Tensors p) { return optim::AdamW(std::move(p)); });
}
