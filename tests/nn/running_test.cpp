#include <doctest/doctest.h>

#include <kiln/kiln.h>

using namespace kiln;

namespace {

struct Block : nn::Module {
  nn::Linear fc{3, 3};
  NN_MEMBERS(fc)
  Tensor forward(const Tensor& x) { return fc(x); }
};

struct Net : nn::Module {
  nn::Sequential layer1{nn::ReLU(), Block()};
  nn::Linear head{3, 2};
  NN_MEMBERS(layer1, head)
  Tensor forward(const Tensor& x) { return head(layer1(x)); }
};

struct Forgetful : nn::Module {
  nn::Linear fc{3, 3};
  nn::Linear head{3, 2, {.bias = false}};
  NN_MEMBERS(fc)
  Tensor forward(const Tensor& x) { return head(fc(x)); }
};

struct TwoInputs : nn::Module {
  NN_MEMBERS()
  Tensors forward(const Tensor& a, double factor, const Tensor& b) { return {a * factor, b}; }
};

struct Caller : nn::Module {
  nn::Linear* other = nullptr;
  NN_MEMBERS()
  Tensor forward(const Tensor& x) { return (*other)(x); }
};

}  // namespace

TEST_CASE("an error names the module that runs") {
  Net net;
  try {
    net(ones({2, 4}));
    FAIL("no error");
  } catch (const Error& error) {
    const std::string what = error.what();
    CHECK_MESSAGE(what.ends_with("(in layer1.1.fc)"), what);
  }
  CHECK(nn::detail::running_path().empty());
  try {
    nn::Linear(3, 2)(ones({2, 4}));
    FAIL("no error");
  } catch (const Error& error) {
    const std::string what = error.what();
    CHECK_MESSAGE(what.ends_with("(in Linear)"), what);
  }
}

TEST_CASE("a member that NN_MEMBERS forgot is found at its first call") {
  Forgetful net;
  CHECK_THROWS_WITH_AS(
      net(ones({1, 3})),
      "Forgetful: its member Linear(in_features=3, out_features=2, bias=False) is not listed "
      "in NN_MEMBERS, so it would not be trained or saved; add it there (in Forgetful)",
      Error);
}

TEST_CASE("a layer that lives elsewhere may be called") {
  nn::Linear outside(3, 2);
  Caller caller;
  caller.other = &outside;
  CHECK(caller(ones({1, 3})).shape() == Shape{1, 2});
}

TEST_CASE("hooks see and change inputs and outputs") {
  nn::ReLU relu;
  std::string order;
  relu.register_forward_pre_hook([&](nn::Module&, Tensors& inputs) {
    order += "a";
    inputs[0] = inputs[0] + 1;
  });
  const int64_t second = relu.register_forward_hook([&](nn::Module& module, const Tensors& in, Tensors& out) {
    order += "b";
    CHECK(module.type_name() == "ReLU");
    CHECK(in[0].item<float>() == 3);
    out[0] = out[0] * 10;
  });
  relu.register_forward_hook([&](nn::Module&, const Tensors&, Tensors&) { order += "c"; });
  CHECK(relu(tensor(2.f)).item<float>() == 30);
  CHECK(order == "abc");
  relu.remove_hook(second);
  CHECK(relu(tensor(2.f)).item<float>() == 3);
  CHECK_THROWS_WITH_AS(relu.remove_hook(second),
                       ("remove_hook: ReLU has no hook " + std::to_string(second)).c_str(), Error);
}

TEST_CASE("a hook may remove itself") {
  nn::ReLU relu;
  int calls = 0;
  int64_t id = 0;
  id = relu.register_forward_pre_hook([&](nn::Module& module, Tensors&) {
    ++calls;
    module.remove_hook(id);
  });
  relu(tensor(1.f));
  relu(tensor(1.f));
  CHECK(calls == 1);
  CHECK(!relu.has_hooks());
}

TEST_CASE("a hook keeps what it counts, and may add hooks") {
  nn::ReLU relu;
  std::vector<int> seen;
  relu.register_forward_hook([&seen, count = 0](nn::Module& module, const Tensors&, Tensors&) mutable {
    seen.push_back(++count);
    if (count == 2) module.register_forward_pre_hook([&seen](nn::Module&, Tensors&) { seen.push_back(-1); });
  });
  for (int i = 0; i < 3; ++i) relu(tensor(1.f));
  CHECK(seen == std::vector<int>{1, 2, -1, 3});
}

TEST_CASE("hooks of a module with several arguments and results") {
  TwoInputs module;
  module.register_forward_pre_hook([](nn::Module&, Tensors& inputs) { std::swap(inputs[0], inputs[1]); });
  module.register_forward_hook([](nn::Module&, const Tensors&, Tensors& out) { out[1] = tensor(7.f); });
  const Tensors result = module(tensor(2.f), 3, tensor(5.f));
  CHECK(result[0].item<float>() == 15);
  CHECK(result[1].item<float>() == 7);
  module.register_forward_hook([](nn::Module&, const Tensors&, Tensors& out) { out.clear(); });
  CHECK_THROWS_WITH_AS(module(tensor(2.f), 3, tensor(5.f)),
                       "forward hook: TwoInputs returns 2 tensors, the hook left 0 (in TwoInputs)", Error);
}
