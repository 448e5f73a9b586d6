#include <doctest/doctest.h>

#include <kiln/kiln.h>
#include <kiln/models/fuse.h>
#include <kiln/models/whole_file.h>
#include <kiln/tensor/base/build_config.h>

#include "support/device.h"
#include "support/files.h"

using namespace kiln;
namespace models = kiln::nn::models;
using test::contains;
using test::error_of;

namespace {

int64_t batch_norms(const nn::AnyModule& net) {
  int64_t count = 0;
  for (const nn::NamedModule& named : net.named_modules())
    count += dynamic_cast<const nn::BatchNorm*>(&named.module) != nullptr;
  return count;
}

// Statistics and weights as after training: none of them 0 or 1.
void fill_norms(const nn::AnyModule& net) {
  const NoGrad scope;
  Generator generator{5};
  for (const nn::NamedModule& named : net.named_modules())
    if (auto* norm = dynamic_cast<nn::BatchNorm*>(&named.module)) {
      const Shape shape = norm->running_mean.shape();
      norm->running_mean.copy_(0.1 * randn(shape, {}, &generator));
      norm->running_var.copy_(0.5 + rand(shape, {}, &generator));
      norm->weight.copy_(0.5 + rand(shape, {}, &generator));
      norm->bias.copy_(0.1 * randn(shape, {}, &generator));
    }
}

// The largest difference over the largest score.
double difference(const Tensor& a, const Tensor& b) {
  return max(abs(a - b)).item<double>() / max(abs(a)).item<double>();
}

}  // namespace

TEST_CASE("fused networks have the scores of those that they were made of") {
  const NoGrad scope;
  // A small one of each family with batch norms, and how many of these no convolution takes over: those
  // before convolutions (densenet), those that add a residual.
  const struct {
    const char* name;
    int64_t size, stay;
  } rows[] = {{"vgg11_bn", 32, 0},           {"resnet18", 64, 8},           {"googlenet", 64, 2},
              {"densenet121", 64, 62},       {"mnasnet0_5", 64, 0},         {"mobilenet_v2", 64, 0},
              {"mobilenet_v3_small", 64, 0}, {"shufflenet_v2_x0_5", 64, 0}, {"efficientnet_b0", 64, 0},
              {"efficientnet_lite0", 64, 0}, {"regnet_x_400mf", 64, 0}};
  Generator generator{1};
  for (const auto& [text, size, stay] : rows) {
    const std::string name = text;
    // An emulated device would need minutes for them all.
    if (kCudaEmulated && test::device().is_cuda() && name != "shufflenet_v2_x0_5") continue;
    CAPTURE(name);
    manual_seed(2);
    models::Model net = models::create(name, {.num_classes = 7});
    net.card.preset.crop = size;
    fill_norms(net);
    net.eval();
    const Tensor x = randn({2, 3, size, size}, {}, &generator);
    const Tensor before = net(x);
    const models::Model fused = models::fuse_conv_bn(net);
    CHECK(models::folded_batch_norms(fused) == batch_norms(net) - stay);
    CHECK(difference(before, fused(x)) < 1e-5);
    CHECK(models::folded_batch_norms(net) == 0);
    CHECK(equal(net(x), before));
  }
}

TEST_CASE("what is not folded: a convolution that others use too, that runs twice, or is followed by more") {
  struct Net : nn::Module {
    nn::Conv2d once{3, 4, 3}, both{4, 4, 1}, twice{4, 4, 1}, pooled{4, 4, 1};
    nn::BatchNorm2d once_bn{4}, both_bn{4}, first_bn{4}, second_bn{4}, pooled_bn{4};
    NN_LOCAL_MEMBERS(once, both, twice, pooled, once_bn, both_bn, first_bn, second_bn, pooled_bn)
    Tensor forward(const Tensor& x) const {
      const Tensor a = once_bn.relu(once(x)), b = both(a);
      const Tensor c = both_bn(b) + b;
      const Tensor d = second_bn(twice(first_bn(twice(c))));
      return pooled_bn(avg_pool2d(pooled(d), 2));
    }
  };
  const NoGrad scope;
  manual_seed(1);
  nn::AnyModule net = Net();
  fill_norms(net);
  net.eval();
  const nn::AnyModule fused = models::fuse_conv_bn(net, {1, 3, 8, 8});
  CHECK(models::folded_batch_norms(fused) == 1);
  CHECK_FALSE(fused.as<Net>().once_bn.running_mean.defined());
  CHECK(fused.as<Net>().once.bias.defined());
  const Tensor x = randn({2, 3, 8, 8});
  CHECK(difference(net(x), fused(x)) < 1e-5);
  struct NoBias : nn::Conv2d {
    NN_LOCAL_MEMBERS()
    using nn::Conv2d::Conv2d;
    Tensor forward(const Tensor& y) const { return conv2d(y, weight, {}, {}); }
  };
  nn::AnyModule own =
      nn::Sequential(NoBias(3, 4, 3, nn::Conv2dLayerOptions{.bias = false}), nn::BatchNorm2d(4));
  fill_norms(own);
  own.eval();
  const nn::AnyModule same = models::fuse_conv_bn(own, {1, 3, 8, 8});
  CHECK(models::folded_batch_norms(same) == 0);
  CHECK(equal(own(x), same(x)));
  CHECK(batch_norms(models::fuse_conv_bn(nn::AnyModule(nn::Linear(3, 2)), {1, 3})) == 0);
}

TEST_CASE("a fused network is for inference: it is not trained and not saved as a whole") {
  const test::TemporaryFolder folder;
  models::Model net = models::create("shufflenet_v2_x0_5", {.num_classes = 2});
  net.card.preset.crop = 32;
  models::Model fused = models::fuse_conv_bn(net);
  CHECK(net.is_training());
  CHECK_FALSE(fused.is_training());
  for (const Tensor& x : fused.parameters()) CHECK_FALSE(x.requires_grad());
  fused.train();
  CHECK(contains(error_of([&] { fused(zeros({2, 3, 32, 32})); }), "folded into the convolution before it"));
  CHECK(error_of([&] { models::save(fused, folder / "x.kiln"); }) != "");
}
