#include <doctest/doctest.h>

#include <cmath>

#include <kiln/tensor/value/surgery.h>

#include "support/device.h"
#include "support/files.h"

namespace kiln {
namespace {

const Tensor w = tensor({1.f, 2.f}), b = tensor({3.f}), n = tensor(4);

std::string names(const StateDict& state) {
  std::string out;
  for (const auto& [name, tensor] : state) out += (out.empty() ? "" : " ") + name;
  return out;
}

}  // namespace

TEST_CASE("surgery: names") {
  const StateDict state = {{"module.conv.weight", w}, {"module.conv.bias", b}, {"steps", n}};
  CHECK(names(strip_prefix(state, "module.")) == "conv.weight conv.bias steps");
  CHECK(names(strip_prefix(state, "other.")) == names(state));
  CHECK(names(add_prefix(state, "net.")) == "net.module.conv.weight net.module.conv.bias net.steps");
  CHECK(names(rename(state, "^module\\.(\\w+)\\.", "$1/")) == "conv/weight conv/bias steps");
  CHECK(names(keep(state, "conv")) == "module.conv.weight module.conv.bias");
  CHECK(names(drop(state, "bias$|steps")) == "module.conv.weight");
  CHECK(strip_prefix(state, "module.").at("conv.weight").is_same(w));

  using test::error_of;
  CHECK(error_of([&] {
          strip_prefix({{"a.w", w}, {"w", b}}, "a.");
        }) == "state dict: 'a.w' and 'w' would both become 'w'");
  CHECK(
      error_of([&] { rename(state, "[", ""); }).starts_with("state dict: the pattern '[' is not a regular"));
  const StateDict endless = {{std::string(100000, 'a'), w}};
  CHECK(error_of([&] { keep(endless, "(a|b)*c"); }).find("is too long for a pattern") != std::string::npos);
}

TEST_CASE("surgery: cast and merge") {
  const test::FactoryDevice scope(cpu);  // cast() works there
  const Tensor turned =
      from_storage(tensor({{1.f, 2.f}, {3.f, 1e9f}}).impl()->storage, float32, {{2, 2}, {1, 2}, 0});
  const StateDict half = cast({{"w", turned}, {"n", n}}, float16);
  CHECK(half.at("w").dtype() == float16);
  CHECK(half.at("w").to_vector<float>() == std::vector<float>{1, 3, 2, INFINITY});
  CHECK(half.at("n").is_same(n));
  CHECK(cast({{"w", w}}, float32).at("w").is_same(w));
  CHECK(test::error_of([&] {
          cast({{"w", w}}, int64);
        }) == "cast: weights become a floating dtype, not int64");

  const StateDict merged = merge({{"a", w}, {"b", w}}, {{"c", n}, {"b", b}});
  CHECK(names(merged) == "a b c");
  CHECK(merged.at("b").is_same(b));
}

TEST_CASE("surgery: the weights in a checkpoint") {
  const Value net = {{"w", w}, {"b", b}, {"n", n}};
  const Value optimizer = {{"state", Value::dict({{0, {{"exp_avg", w}}}})}};
  const Value one = {{"epoch", 3},
                     {"best", tensor(0.5)},
                     {"rng", empty({4}, {.dtype = uint8})},
                     {"nets", {{"main", net}}},
                     {"optimizer", optimizer}};
  CHECK(find_weights(one) == std::vector<std::string>{"nets/main"});
  CHECK(names(weights_of(one)) == "w b n");
  CHECK(find_weights(net) == std::vector<std::string>{""});
  std::vector<std::string> left_out;
  CHECK(names(weights_of({{"w", w}, {"version", 2}}, {}, &left_out)) == "w");
  CHECK(left_out == std::vector<std::string>{"version"});

  const Value two = {{"model", net}, {"ema", net}};
  CHECK(names(weights_of(two, "ema")) == "w b n");
  using test::error_of;
  CHECK(error_of([&] { weights_of(two); }) ==
        "weights: 2 places in the checkpoint hold weights, choose one by its path:\n"
        "  'model' with 3 tensors\n  'ema' with 3 tensors");
  CHECK(error_of([&] { weights_of(two, "emma"); }).find("there is no 'emma'") != std::string::npos);
  CHECK(error_of([&] { weights_of(two, "/"); }).find("holds no tensors itself") != std::string::npos);
  CHECK(error_of([&] {
          weights_of({{"epoch", 3}});
        }).find("there is no dict of tensors") != std::string::npos);
  CHECK(error_of([&] { weights_of(one, "epoch"); }) ==
        "weights: at 'epoch' there is 3, not a dict of tensors");
}

}  // namespace kiln
