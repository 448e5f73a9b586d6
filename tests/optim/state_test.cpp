#include <doctest/doctest.h>

#include <kiln/autograd/ops.h>
#include <kiln/optim/adam.h>
#include <kiln/optim/sgd.h>
#include <kiln/tensor/base/error.h>

using namespace kiln;
using optim::Adam, optim::AdamW, optim::SGD;

namespace {

Tensors make_params(DType dtype) {
  Tensors params;
  for (const Shape& shape : {Shape{3, 4}, Shape{5}, Shape{}}) {
    params.push_back(full(shape, 0.75, {.dtype = dtype}).requires_grad_());
  }
  return params;
}

void step(optim::Optimizer& opt, const Tensors& params, int number) {
  opt.zero_grad();
  for (size_t i = 0; i < params.size(); ++i) {
    if (i == 1 && number % 2 == 0) continue;
    params[i].backward(full(params[i].shape(), 0.01 * number + 0.1 * double(i), like(params[i])));
  }
  opt.step();
}

Value deep_copy(const Value& state) {
  if (state.is_tensor()) return state.as_tensor().clone();
  Value copy = state;
  if (copy.is_list())
    for (Value& item : copy.items()) item = deep_copy(item);
  if (copy.is_dict())
    for (const auto& [key, value] : state.entries()) copy[key] = deep_copy(value);
  return copy;
}

// Interrupted after 6 of 12 steps and resumed in a new optimiser, with the model loaded before or after.
template <class Opt, class Options>
void check_resumes(const Options& options, DType dtype, bool model_first) {
  const Tensors whole = make_params(dtype), halves = make_params(dtype);
  Opt opt(whole, options);
  for (int i = 1; i <= 6; ++i) step(opt, whole, i);
  const Value state = deep_copy(opt.state_dict());
  const Tensors saved = {whole[0].detach().clone(), whole[1].detach().clone(), whole[2].detach().clone()};
  Options others = options;
  others.lr = 123;
  Opt resumed(halves, others);
  step(resumed, halves, 1);
  const auto load_model = [&] {
    for (size_t i = 0; i < 3; ++i) halves[i].detach().copy_(saved[i]);
  };
  if (model_first) load_model();
  resumed.load_state_dict(state);
  if (!model_first) load_model();
  CHECK(resumed.lr() == options.lr);
  for (int i = 7; i <= 12; ++i) {
    step(opt, whole, i);
    step(resumed, halves, i);
  }
  for (size_t i = 0; i < 3; ++i) CHECK(equal(whole[i].detach(), halves[i].detach()));
  CHECK(opt.state_dict() == resumed.state_dict());
}

}  // namespace

TEST_CASE("a resumed optimiser ends in the same bits") {
  for (const DType dtype : {float32, float64, float16, bfloat16})
    for (const bool model_first : {true, false}) {
      check_resumes<SGD>(optim::SGDOptions{.lr = 0.01}, dtype, model_first);
      check_resumes<SGD>(optim::SGDOptions{.lr = 0.01, .momentum = 0.9}, dtype, model_first);
      check_resumes<Adam>(optim::AdamOptions{.lr = 0.01}, dtype, model_first);
      check_resumes<AdamW>(optim::AdamWOptions{.lr = 0.01, .amsgrad = true}, dtype, model_first);
    }
}

TEST_CASE("state dicts have PyTorch's form") {
  const Tensors params = make_params(float32);
  Adam opt(std::vector<Adam::Group>{{{params[0], params[1]}, {.lr = 0.5}}, {{params[2]}, {.amsgrad = true}}});
  step(opt, params, 2);
  const Value state = opt.state_dict();
  CHECK(state.at("param_groups/0/lr").as_float() == 0.5);
  CHECK(state.at("param_groups/0/betas") == Value::tuple({0.9, 0.999}));
  CHECK(state.at("param_groups/0/params") == Value::list({0, 1}));
  CHECK(state.at("param_groups/1/params") == Value::list({2}));
  CHECK(!state.contains("state/1"));
  CHECK(state.at("state/0").entries().size() == 3);
  CHECK(state.at("state/0/step").as_tensor().shape() == Shape{});
  CHECK(state.at("state/0/exp_avg").as_tensor().shape() == Shape{3, 4});
  CHECK(state.contains("state/2/max_exp_avg_sq"));
  SGD sgd(make_params(float32), {.lr = 0.1});
  step(sgd, sgd.params(), 1);
  CHECK(sgd.state_dict().at("state/0/momentum_buffer").is_none());
}

TEST_CASE("a state of older PyTorch is taken: float steps, int options, unknown keys") {
  const Tensors params = make_params(float32);
  Adam opt(params, {.lr = 1});
  Value state = deep_copy(opt.state_dict());
  state["state"][0] = {{"step", 7}, {"exp_avg", ones({3, 4})}, {"exp_avg_sq", ones({3, 4}).to(float64)}};
  state["param_groups"][0]["weight_decay"] = 0;
  state["param_groups"][0]["foreach"] = nullptr;
  state["param_groups"][0]["capturable"] = false;
  state["param_groups"][0]["initial_lr"] = 0.25;
  opt.load_state_dict(state);
  CHECK(opt.state_dict().at("state/0/step").as_tensor().item<float>() == 7);
  CHECK(opt.state_dict().at("state/0/exp_avg_sq").as_tensor().dtype() == float32);
  CHECK(*opt.find_note("initial_lr") == 0.25);
}

TEST_CASE("states that do not fit are refused, and nothing changes") {
  const Tensors params = make_params(float32);
  Adam opt(params, {.lr = 0.5});
  step(opt, params, 1);
  const Value good = deep_copy(opt.state_dict());
  const auto refuses = [&](auto&& change, const char* message) {
    Value bad = deep_copy(good);
    bad["param_groups"][0]["lr"] = 0.125;
    change(bad);
    CHECK_THROWS_WITH_AS(opt.load_state_dict(bad), message, Error);
    CHECK(opt.state_dict() == good);
    CHECK(opt.lr() == 0.5);
  };
  refuses([](Value& v) { v.erase("state"); },
          "Adam: the state to load has no 'state'; it must be what an optimiser's state_dict() gave");
  refuses([](Value& v) { v["param_groups"].push_back(v["param_groups"][0]); },
          "Adam: the state to load has 2 parameter groups, this optimiser 1");
  refuses(
      [](Value& v) {
        v["param_groups"][0]["params"] = Value::list({0, 1});
      },
      "Adam: group 0 of the state to load has 2 parameters, this optimiser's 3");
  refuses(
      [](Value& v) { v["state"][0]["exp_avg"] = ones({2}); },
      "Adam: 'exp_avg' of parameter 0 must be a floating-point tensor of its shape [3,4], the state to load "
      "has [2]");
  refuses([](Value& v) { v["state"][1].erase("exp_avg_sq"); },
          "Adam: the state to load has no 'exp_avg_sq' for parameter 1");
  refuses([](Value& v) { v["state"][1].erase("step"); },
          "Adam: the state to load has no 'step'; it must be what an optimiser's state_dict() gave");
  refuses([](Value& v) { v["state"][9] = v["state"][0]; },
          "Adam: the state to load has an entry '9' that belongs to none of its parameters");
  refuses([](Value& v) { v["param_groups"][0]["lr"] = -1; }, "Adam: lr -1 must be at least 0");
  CHECK_THROWS_AS(opt.load_state_dict(Value()), Error);
  Value text = deep_copy(good);
  text["param_groups"][0]["eps"] = "small";
  CHECK_THROWS_AS(opt.load_state_dict(text), Error);
}

TEST_CASE("state of no step yet, as a gradient scaler or PyTorch leaves it") {
  const auto state_of = [](const Value& state) {
    return Value{{"state", Value::dict({{0, state}})},
                 {"param_groups", Value::list({Value{{"lr", 0.1}, {"params", Value::list({0})}}})}};
  };
  const Tensor p = ones({1}).requires_grad_();
  p.set_grad(ones({1}));
  Adam adam({p}, {});
  adam.load_state_dict(
      state_of({{"step", full({}, 0.0)}, {"exp_avg", zeros({1})}, {"exp_avg_sq", zeros({1})}}));
  CHECK(adam.state_dict().at("state/0/step").as_tensor().item<double>() == 0);
  adam.step();
  CHECK(p.item<float>() == doctest::Approx(0.9));
  CHECK(adam.state_dict().at("state/0/step").as_tensor().item<double>() == 1);
  adam.load_state_dict(state_of(Value::dict()));
  CHECK(adam.state_dict().at("state").size() == 0);
  AdamW adamw({p}, {});
  adamw.load_state_dict(state_of({{"step", 0}, {"exp_avg", zeros({1})}, {"exp_avg_sq", zeros({1})}}));
  SGD sgd({p}, {.momentum = 0.9});
  sgd.load_state_dict(state_of({{"momentum_buffer", nullptr}}));
  sgd.load_state_dict(state_of(Value::dict()));
  CHECK_THROWS_WITH_AS(
      adam.load_state_dict(state_of({{"step", -1}, {"exp_avg", zeros({1})}, {"exp_avg_sq", zeros({1})}})),
      "Adam: 'step' of parameter 0 in the state to load must be a whole number of steps, at least 0", Error);
}
