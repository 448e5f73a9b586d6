#include <doctest/doctest.h>

#include <kiln/nn/nn.h>
#include <kiln/tensor/value/surgery.h>
#include <support/check_op.h>
#include <support/files.h>

using namespace kiln;
using test::error_of;

namespace {

struct Net : nn::Module {
  nn::Linear fc{2, 3};
  nn::BatchNorm1d bn{3};
  NN_MEMBERS(fc, bn)
  Tensor forward(const Tensor& x) { return bn(fc(x)); }
};

Value checkpoint_with(const char* name, const StateDict& weights) {
  return {{"epoch", 7}, {name, weights}, {"optimizer", {{"state", Value::dict()}}}};
}

}  // namespace

TEST_CASE("load_state_dict takes what a file of weights holds") {
  Net from, to;
  const Value file = from.state_dict();
  CHECK(to.load_state_dict(file).ok());
  CHECK(equal(from.fc.weight, to.fc.weight));
  CHECK(to.load_state_dict({{"fc.bias", zeros({3})}}, {.strict = false}).missing_keys.size() == 5);
}

TEST_CASE("a whole checkpoint given as weights: the error names the entry that has them") {
  Net net;
  const StateDict weights = net.state_dict();
  const std::string begin = "load_state_dict: this is a whole checkpoint, not the weights of Net; ";
  CHECK(error_of([&] { net.load_state_dict(checkpoint_with("model_state_dict", weights)); }) ==
        begin + "'model_state_dict' in it has 7 of 7 names: give weights_of(value, \"model_state_dict\")");
  CHECK(error_of([&] {
          net.load_state_dict(checkpoint_with("state_dict", add_prefix(weights, "module.")));
        }) == begin +
                  "'state_dict' in it has 7 of 7 names behind 'module.': give strip_prefix(weights_of(value, "
                  "\"state_dict\"), \"module.\")");
  // Of two, the one with more of the names.
  Value two = checkpoint_with("ema", weights);
  two["other"] = {{"conv.weight", zeros({2})}, {"fc.bias", zeros({3})}};
  CHECK(test::contains(error_of([&] { net.load_state_dict(two); }), "'ema' in it has 7 of 7 names"));
  // Weights and something else side by side.
  Value mixed = weights;
  mixed["epoch"] = 7;
  CHECK(error_of([&] { net.load_state_dict(mixed); }) ==
        begin + "'/' in it has 7 of 7 names: give weights_of(value, \"/\")");
  CHECK(error_of([&] {
          net.load_state_dict(checkpoint_with("x", {{"conv.weight", zeros({2})}}));
        }) ==
        "load_state_dict: this is a dict of 3, not the weights of Net, and none of its 7 names is in it; 'x' "
        "holds 1 tensors");
  CHECK(error_of([&] { net.load_state_dict(Value(3)); }) ==
        "load_state_dict: this is 3, not the weights of Net, and none of its 7 names is in it");
  // What is said to be given fits.
  CHECK(net.load_state_dict(weights_of(checkpoint_with("model", weights), "model")).ok());
}

TEST_CASE("a checkpoint is no state dict, and says where it has one") {
  Net net;
  const Value checkpoint = checkpoint_with("model_state_dict", net.state_dict());
  CHECK(error_of([&] { checkpoint.as_state_dict(); }) ==
        "value: a state dict holds tensors, 'epoch' is 7; 'model_state_dict' holds 7 tensors");
  Value two = checkpoint_with("a", net.state_dict());
  two["b"] = StateDict{{"x", zeros({1})}};
  CHECK(where_weights_are(two) == "; 'a' holds 7 tensors, 'b' 1");
  CHECK(where_weights_are(Value{{"epoch", 1}}).empty());
}
