#include <doctest/doctest.h>

#include <kiln/kiln.h>

using namespace kiln;

namespace {

struct Block : nn::Module {
  nn::Linear fc{3, 3, {.bias = false}};
  nn::BatchNorm1d bn{3};
  NN_MEMBERS(fc, bn)
  Tensor forward(const Tensor& x) { return bn(fc(x)); }
};

struct Net : nn::Module {
  nn::Linear head{3, 2};
  nn::Parameter scale{tensor({1.f, 2.f})};
  nn::Buffer seen{tensor({0.f})};
  nn::Buffer scratch{tensor({0.f}), false};
  std::vector<Block> blocks = std::vector<Block>(2);
  std::optional<nn::Linear> extra;
  NN_MEMBERS(head, scale, seen, scratch, blocks, extra)
  Tensor forward(const Tensor& x) {
    Tensor y = x;
    for (Block& block : blocks) y = block(y);
    return head(y) * scale;
  }
};

template <class Named>
std::string names(const Named& named) {
  std::string text;
  for (const auto& entry : named) text += entry.name + " ";
  return text;
}

}  // namespace

TEST_CASE("members are named by path, in PyTorch's order") {
  const Net net;
  CHECK(names(net.named_parameters()) ==
        "scale head.weight head.bias blocks.0.fc.weight blocks.0.bn.weight blocks.0.bn.bias "
        "blocks.1.fc.weight blocks.1.bn.weight blocks.1.bn.bias ");
  CHECK(names(net.named_modules()) ==
        " head blocks.0 blocks.0.fc blocks.0.bn blocks.1 blocks.1.fc blocks.1.bn ");
  CHECK(names(net.named_children()) == "head blocks.0 blocks.1 ");
  CHECK(names(net.state_dict()) ==
        "scale seen head.weight head.bias blocks.0.fc.weight blocks.0.bn.weight blocks.0.bn.bias "
        "blocks.0.bn.running_mean blocks.0.bn.running_var blocks.0.bn.num_batches_tracked "
        "blocks.1.fc.weight blocks.1.bn.weight blocks.1.bn.bias blocks.1.bn.running_mean "
        "blocks.1.bn.running_var blocks.1.bn.num_batches_tracked ");
  CHECK(net.parameters().size() == 9);
  CHECK(net.buffers().size() == 8);  // scratch, too
}

TEST_CASE("an optional member counts when it is there") {
  Net net;
  net.extra.emplace(4, 5);
  CHECK(net.state_dict().at("extra.weight").shape() == Shape{5, 4});
}

TEST_CASE("a tied parameter is one parameter with two keys") {
  nn::Sequential net(nn::Linear(2, 2), nn::Linear(2, 2));
  net.get<nn::Linear>(1).weight = net.get<nn::Linear>(0).weight;
  CHECK(names(net.named_parameters()) == "0.weight 0.bias 1.bias ");
  CHECK(names(net.state_dict()) == "0.weight 0.bias 1.weight 1.bias ");
  nn::Sequential copy = nn::clone(net);
  CHECK(names(copy.named_parameters()) == "0.weight 0.bias 1.bias ");
}

TEST_CASE("train and eval reach every module") {
  Net net;
  CHECK(net.is_training());
  net.eval();
  for (const auto& [name, module] : net.named_modules()) CHECK(!module.is_training());
  net.train();
  CHECK(net.blocks[1].bn.is_training());
}

TEST_CASE("a guard gives each module its own mode back") {
  Net net;
  net.blocks[0].bn.eval();
  {
    const nn::ModeGuard eval(net);
    for (const auto& [name, module] : net.named_modules()) CHECK(!module.is_training());
    const nn::ModeGuard train(net.blocks[1], true);
    CHECK(net.blocks[1].bn.is_training());
    net.extra.emplace(2, 2);
  }
  CHECK(net.is_training());
  CHECK(!net.blocks[0].bn.is_training());
  CHECK(net.blocks[1].bn.is_training());
  CHECK(net.extra->is_training());
  CHECK_THROWS_AS(
      [&] {
        const nn::ModeGuard eval(net);
        net(ones({1, 7}));
      }(),
      Error);
  CHECK(net.blocks[1].bn.is_training());
  CHECK(!net.blocks[0].bn.is_training());
}

TEST_CASE("parameters require grad, buffers and state dicts do not") {
  Net net;
  for (const auto& [name, p] : net.named_parameters()) CHECK_MESSAGE(p.requires_grad(), name);
  for (const auto& [name, x] : net.state_dict()) CHECK_MESSAGE(!x.requires_grad(), name);
  CHECK(net.state_dict().at("head.weight").shares_storage(net.head.weight));
  net.requires_grad_(false);
  CHECK(!net.scale.requires_grad());
}

TEST_CASE("freeze by path or pattern") {
  Net net;
  CHECK(net.freeze("blocks.0") == 3);
  CHECK(!net.blocks[0].fc.weight.requires_grad());
  CHECK(net.blocks[1].fc.weight.requires_grad());
  CHECK(net.freeze("*.bias") == 3);
  CHECK(!net.head.bias.requires_grad());
  CHECK(net.unfreeze("blocks.?.bn.*") == 4);
  CHECK(net.unfreeze("*") == 9);
  CHECK_THROWS_WITH_AS(
      net.freeze("haed.bias"),
      "freeze: 'haed.bias' matches none of the 9 parameters of Net (did you mean 'head.bias'?)", Error);
  CHECK_THROWS_WITH_AS(net.freeze("block"), "freeze: 'block' matches none of the 9 parameters of Net", Error);
}

TEST_CASE("a copy shares tensors, a clone does not") {
  Net net;
  net.freeze("head.bias");
  net.eval();
  Net copy = net;
  CHECK(copy.head.weight.is_same(net.head.weight));
  CHECK(!copy.is_training());
  Net other = nn::clone(net);
  CHECK(!other.head.weight.shares_storage(net.head.weight));
  CHECK(equal(other.head.weight, net.head.weight));
  CHECK(!other.head.bias.requires_grad());
  CHECK(other.head.weight.requires_grad());
  CHECK(!other.blocks[0].bn.running_mean.shares_storage(net.blocks[0].bn.running_mean));

  nn::Sequential layers(nn::Linear(2, 2), nn::ReLU());
  nn::Sequential layers_copy = layers;
  CHECK(&layers_copy[0].module() != &layers[0].module());
  CHECK(layers_copy.get<nn::Linear>(0).weight.is_same(layers.get<nn::Linear>(0).weight));
}

TEST_CASE("conversions keep the identity of the parameters") {
  Net net;
  const Tensor weight = net.head.weight;
  net.to(float64);
  CHECK(weight.dtype() == float64);
  CHECK(weight.requires_grad());
  CHECK(net.blocks[0].bn.running_mean.dtype() == float64);
  CHECK(net.blocks[0].bn.num_batches_tracked.dtype() == int64);
  CHECK_THROWS_WITH_AS(net.to(int64), "to: a module's dtype must be floating, got int64", Error);
  net.to("cpu", float32);
  CHECK(net.head.weight.dtype() == float32);

  nn::Conv2d conv(8, 4, 3);
  const auto before = conv.weight.to_vector<float>();
  conv.to(MemoryFormat::channels_last);
  CHECK(conv.weight.is_contiguous(MemoryFormat::channels_last));
  CHECK(conv.weight.to_vector<float>() == before);
}

TEST_CASE("gradients are cleared") {
  nn::Linear fc(2, 1);
  fc(ones({1, 2})).sum().backward();
  CHECK(fc.weight.grad().defined());
  fc.zero_grad(false);
  CHECK(fc.weight.grad().sum().item<float>() == 0);
  fc.zero_grad();
  CHECK(!fc.weight.grad().defined());
}

TEST_CASE("apply calls children before their parent") {
  Net net;
  std::string order;
  net.apply([&](nn::Module& module) { order += module.type_name() + " "; });
  CHECK(order == "Linear Linear BatchNorm1d Block Linear BatchNorm1d Block Net ");
}
