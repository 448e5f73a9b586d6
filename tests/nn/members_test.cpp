#include <doctest/doctest.h>

#include <kiln/kiln.h>
#include <kiln/models/residual/resnet.h>

using namespace kiln;

namespace {

struct Base : nn::Module {
  nn::Linear fc{2, 3};
  nn::Buffer seen{zeros({1})};
  NN_MEMBERS(fc, seen)
  Tensor forward(const Tensor& x) const { return fc(x); }
};

struct Plain : Base {};  // adds nothing, so it lists nothing

struct Derived : Plain {
  nn::Linear head{3, 4};
  nn::Parameter scale{ones({1})};
  NN_MEMBERS(head, scale)
  Tensor forward(const Tensor& x) { return head(Plain::forward(x)) * scale; }
};

struct Again : Derived {
  nn::Linear last{4, 1};
  NN_MEMBERS(last)
  Tensor forward(const Tensor& x) { return last(Derived::forward(x)); }
};

template <class Parent>
struct Widened : Parent {
  nn::Linear extra{3, 5};
  NN_MEMBERS(extra)
  Tensor forward(const Tensor& x) const { return extra(Parent::forward(x)); }
};

struct MoreLayers : nn::Sequential {
  nn::Linear out{3, 1};
  MoreLayers() : Sequential(nn::Linear(2, 3), nn::ReLU()) {}
  NN_MEMBERS(out)
  Tensor forward(const Tensor& x) const { return out(Sequential::forward(x)); }
};

struct TwoHeads : models::ResNet {
  nn::Linear second{1000, 2};
  TwoHeads() : ResNet(models::resnet18()) {}
  NN_MEMBERS(second)
  Tensor forward(const Tensor& x) const { return second(ResNet::forward(x)); }
};

std::string keys(const nn::Module& module) {
  std::string text;
  for (const auto& [name, x] : module.named_parameters()) text += name + " ";
  return text;
}

}  // namespace

TEST_CASE("a derived network has its base's members first") {
  Again net;
  CHECK(keys(net) == "scale fc.weight fc.bias head.weight head.bias last.weight last.bias ");
  CHECK(net(ones({1, 2})).shape() == Shape{1, 1});
  CHECK(keys(Plain()) == "fc.weight fc.bias ");
  CHECK(Plain()(ones({1, 2})).shape() == Shape{1, 3});
  CHECK(keys(Widened<Base>()) == "fc.weight fc.bias extra.weight extra.bias ");
  const Widened<Base> widened;
  CHECK(widened(ones({1, 2})).shape() == Shape{1, 5});
  MoreLayers more;
  CHECK(keys(more) == "0.weight 0.bias out.weight out.bias ");
  CHECK(more(ones({1, 2})).shape() == Shape{1, 1});
  net.eval();
  CHECK(!net.fc.is_training());
  CHECK(to_string(Derived()).find("(fc): Linear(in_features=2, out_features=3, bias=True)\n  (head)") !=
        std::string::npos);
  TwoHeads heads;
  CHECK(heads.state_dict().size() == models::resnet18().state_dict().size() + 2);
  heads.eval();
  CHECK(heads(ones({1, 3, 32, 32})).shape() == Shape{1, 2});
}

TEST_CASE("a const network is called where its forward is const") {
  const Base net;
  CHECK(net(ones({1, 2})).shape() == Shape{1, 3});
  static_assert(std::is_invocable_v<const Base&, Tensor>);
  static_assert(std::is_invocable_v<Derived&, Tensor>);
  static_assert(!std::is_invocable_v<const Derived&, Tensor>);
  const nn::Sequential layers(nn::Linear(2, 2), nn::ReLU());
  CHECK(layers(ones({1, 2})).shape() == Shape{1, 2});
  const auto resnet = models::resnet18({.num_classes = 3});
  const nn::ModeGuard eval(const_cast<models::ResNet&>(resnet));
  CHECK(resnet(ones({1, 3, 32, 32})).shape() == Shape{1, 3});
}

TEST_CASE("a struct inside a function") {
  struct Local : nn::Module {
    nn::Linear fc{2, 3};
    NN_LOCAL_MEMBERS(fc)
    Tensor forward(const Tensor& x) const { return fc(x); }
  };
  struct Pair : Local {
    nn::Linear other{2, 3};
    NN_LOCAL_MEMBERS(other)
    Tensor forward(const Tensor& x, const Tensor& y) { return fc(x) + other(y); }
  };
  const Local net;
  CHECK(net(ones({1, 2})).shape() == Shape{1, 3});
  Pair pair;
  int calls = 0;
  pair.register_forward_hook(
      [&](nn::Module&, const Tensors& inputs, Tensors&) { calls += int(inputs.size()); });
  CHECK(pair(ones({1, 2}), ones({1, 2})).shape() == Shape{1, 3});
  CHECK(calls == 2);
  CHECK(keys(pair) == "fc.weight fc.bias other.weight other.bias ");
  CHECK(nn::Sequential(Local(), nn::ReLU())(ones({1, 2})).shape() == Shape{1, 3});
}
