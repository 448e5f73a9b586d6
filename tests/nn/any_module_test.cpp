#include <doctest/doctest.h>
#include <support/device.h>

#include <functional>

#include <kiln/kiln.h>

using namespace kiln;

namespace {

struct Mixer : nn::Module {
  nn::Linear left{2, 3}, right{4, 3};
  NN_MEMBERS(left, right)
  Tensor forward(const Tensor& a, const Tensor& b) { return left(a) + right(b); }
};

struct Splitter : nn::Module {
  NN_MEMBERS()
  std::pair<Tensor, Tensor> forward(const Tensor& x) const { return {x + 1, x * 2}; }
};

struct Lists : nn::Module {
  NN_MEMBERS()
  Tensors forward(const Tensors& xs) const { return {xs.at(1), xs.at(0)}; }
};

struct Net : nn::Module {
  nn::AnyModule body = nn::Sequential(nn::Linear(4, 8), nn::ReLU());
  nn::Replaceable<nn::Linear> fc{nn::Linear(8, 3)};
  nn::AnyModule spare;
  NN_MEMBERS(body, fc, spare)
  Tensor forward(const Tensor& x) const { return fc(body(x)); }
};

std::string keys(const StateDict& state) {
  std::string text;
  for (const auto& [name, x] : state) text += name + " ";
  return text;
}

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("an erased member is seen as what it holds") {
  const Net net;
  CHECK(keys(net.state_dict()) == "body.0.weight body.0.bias fc.weight fc.bias ");
  CHECK(to_string(net) ==
        "Net(\n  (body): Sequential(\n    (0): Linear(in_features=4, out_features=8, bias=True)\n    (1): "
        "ReLU()\n"
        "  )\n  (fc): Linear(in_features=8, out_features=3, bias=True)\n)");
  CHECK(net(ones({2, 4})).shape() == Shape{2, 3});
  CHECK(net.fc->in_features() == 8);
}

TEST_CASE("a member is replaced by a module of any type") {
  Net net;
  net.fc = nn::Linear(net.fc->in_features(), 5);
  CHECK(net(ones({2, 4})).shape() == Shape{2, 5});
  net.fc = nn::Identity();
  CHECK(net(ones({2, 4})).shape() == Shape{2, 8});
  CHECK(message([&] { net.fc->in_features(); }) == "Identity: the module is not a Linear");
  CHECK(net.fc.find<nn::Linear>() == nullptr);
  net.fc = nn::Sequential(nn::Dropout(0.5), nn::Linear(8, 2));
  CHECK(keys(net.state_dict()) == "body.0.weight body.0.bias fc.1.weight fc.1.bias ");
  Net other;
  other.fc = net.fc;
  CHECK(other.fc.as<nn::Sequential>().get<nn::Linear>(1).weight.is_same(
      net.fc.as<nn::Sequential>().get<nn::Linear>(1).weight));
  net.spare = nn::Linear(1, 1);
  CHECK(net.parameters().size() == 6);
  net.eval();
  CHECK(!net.fc.as<nn::Sequential>()[0]->is_training());
}

TEST_CASE("a model is used like a network") {
  nn::AnyModule model = nn::Sequential(nn::Linear(2, 3), nn::BatchNorm1d(3));
  CHECK(model.parameters().size() == 4);
  CHECK(!model.eval().is_training());
  CHECK(!model.train().to(float64).as<nn::Sequential>().empty());
  CHECK(model.to(test::device(), float32).parameters()[0].dtype() == float32);
  CHECK(nn::summary(model, {4, 2}).find("BatchNorm1d") != std::string::npos);
  CHECK(to_string(model).starts_with("Sequential("));
  nn::AnyModule copy = nn::clone(model);
  CHECK(!copy.parameters()[0].is_same(model.parameters()[0]));
  CHECK(copy.load_state_dict(model.state_dict()).ok());
  CHECK(model.freeze("0") == 2);
  model.unfreeze("*");

  const data::TensorDataset set({ones({4, 2}, {.device = cpu}), zeros({4}, {.dtype = int64, .device = cpu})});
  const data::DataLoader loader(set, {.batch_size = 2});
  train::accuracy(model, loader, test::device());
  CHECK(model.is_training());
  train::Checkpoint checkpoint("unused");
  checkpoint.add("model", model);
  optim::SGD optimizer(model.parameters(), {.lr = 0.1});
  model(ones({4, 2})).sum().backward();
  optimizer.step();
  checkpoint.restore(checkpoint.state(), "memory");
  model.zero_grad();

  nn::ModuleList list(model, nn::ReLU());
  list.push_back(copy);
  CHECK(list.size() == 3);
  CHECK(nn::Sequential(model, nn::Linear(3, 1))(ones({4, 2})).shape() == Shape{4, 1});
  nn::Module& module = model;
  CHECK(module.type_name() == "Sequential");
  std::vector<nn::Model> models(3, model);
  CHECK(models[2].parameters()[0].is_same(model.parameters()[0]));
}

TEST_CASE("several tensors in and out") {
  const nn::AnyModule mixer = Mixer();
  CHECK(mixer(ones({1, 2}), ones({1, 4})).shape() == Shape{1, 3});
  CHECK(mixer.forward(ones({1, 2}), ones({1, 4})).shape() == Shape{1, 3});
  CHECK(message([&] { mixer(ones({1, 2})); }).starts_with("Mixer: its forward does not take one tensor"));
  CHECK(message([&] { mixer.call({}); }).starts_with("Mixer: its forward does not take 0 tensors"));
  const nn::AnyModule splitter = Splitter();
  const Tensors parts = splitter.call({ones({1})});
  REQUIRE(parts.size() == 2);
  CHECK(parts[1].item<float>() == 2);
  CHECK(message([&] { splitter(ones({1})); }).starts_with("Splitter: its forward gives 2 tensors where one"));
  const nn::AnyModule lists = Lists();
  CHECK(lists.call({zeros({1}), ones({1})})[0].item<float>() == 1);
  CHECK(nn::AnyModule(nn::MSELoss())(ones({2}), zeros({2})).item<float>() == 1);
}

TEST_CASE("an empty one says so") {
  const nn::AnyModule nothing;
  CHECK(nothing.empty());
  CHECK(message([&] { nothing(ones({1})); }) == "AnyModule: it holds no module; assign one first");
  CHECK(message([&] { nn::Sequential().push_back(nothing); }).find("empty AnyModule") != std::string::npos);
}

TEST_CASE("hooks of what it holds run") {
  nn::AnyModule model = nn::ReLU();
  int calls = 0;
  const int64_t id = model.register_forward_hook(
      [&](nn::Module&, const Tensors&, Tensors& outputs) { calls += int(outputs.size()); });
  model(ones({1}));
  model.remove_hook(id);
  model(ones({1}));
  CHECK(calls == 1);
  CHECK(!model.has_hooks());
}

namespace {
struct Base : nn::Module {
  nn::Linear a{2, 2};
  NN_MEMBERS(a)
  Tensor forward(const Tensor& x) { return a(x); }
};
struct ForgetsItsList : Base {
  nn::Linear b{2, 2};
  Tensor forward(const Tensor& x) { return b(x); }
};
struct AddsNothing : Base {
  int number = 3;
};
}  // namespace

TEST_CASE("a struct that derives from a network and forgets NN_MEMBERS is found where its type is known") {
  const Tensor x = ones({1, 2});
  nn::AnyModule forgets = ForgetsItsList();
  CHECK_THROWS_AS(forgets(x), Error);
  nn::Sequential in_a_row(nn::Linear(2, 2), ForgetsItsList());
  CHECK_THROWS_AS(in_a_row(x), Error);
  nn::AnyModule fine = AddsNothing();
  CHECK(fine(x).shape() == Shape{1, 2});
}
