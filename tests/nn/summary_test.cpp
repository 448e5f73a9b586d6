#include <doctest/doctest.h>

#include <kiln/kiln.h>
#include <kiln/models/residual/resnet.h>

using namespace kiln;

namespace {

struct Net : nn::Module {
  nn::Conv2d conv1{1, 32, 3, {.padding = 1}};
  nn::BatchNorm2d bn1{32};
  nn::Sequential head{nn::Dropout(), nn::Linear(6272, 10)};
  nn::Linear unused{2, 2};
  NN_MEMBERS(conv1, bn1, head, unused)
  Tensor forward(const Tensor& x) { return head(flatten(max_pool2d(bn1.relu(conv1(x)), 2), 1)); }
};

}  // namespace

TEST_CASE("a summary is a table of what each layer does") {
  Net net;
  net.freeze("bn1");
  CHECK(nn::summary(net, {1, 1, 28, 28}) ==
        "layer    type         output        parameters     FLOPs     memory\n"
        "-------------------------------------------------------------------\n"
        "(model)  Net          [1,10]                                   40 B\n"
        "conv1    Conv2d       [1,32,28,28]         320  451.58 k  98.00 KiB\n"
        "bn1      BatchNorm2d  [1,32,28,28]          64            98.00 KiB\n"
        "head     Sequential   [1,10]                                   40 B\n"
        "head.0   Dropout      [1,6272]                            24.50 KiB\n"
        "head.1   Linear       [1,10]            62,730  125.44 k       40 B\n"
        "unused   Linear       not run                6                     \n"
        "-------------------------------------------------------------------\n"
        "parameters 63,120 (63,056 trainable)\n"
        "FLOPs      577.02 k for an input [1,1,28,28] (multiply-adds of convolutions and products, times 2)\n"
        "memory     246.56 KiB parameters, 264 B buffers, 220.54 KiB outputs of layers");
}

TEST_CASE("a summary changes nothing") {
  Net net;
  net.head.eval();
  const Tensor mean = net.bn1.running_mean.clone();
  nn::summary(net, {2, 1, 28, 28});
  CHECK(net.is_training());
  CHECK(net.bn1.is_training());
  CHECK(!net.head.is_training());
  CHECK(!net.head[0]->is_training());
  CHECK(!net.conv1.has_hooks());
  CHECK(equal(net.bn1.running_mean, mean));
  CHECK_THROWS_AS(nn::summary(net, {2, 3, 28, 28}), Error);
  CHECK(!net.conv1.has_hooks());
  CHECK(net.bn1.is_training());
}

TEST_CASE("the numbers of resnet18 are the known ones") {
  auto net = nn::models::resnet18();
  const nn::Summary summary = nn::summarize(net, {1, 3, 224, 224});
  CHECK(summary.parameters == 11689512);
  CHECK(summary.flops == 2 * int64_t(1814073344));  // torchvision documents 1.81 G multiply-adds
  CHECK(summary.layers[0].output == Shape{1, 1000});
  auto larger = nn::models::resnet50();
  CHECK(nn::summarize(larger, {1, 3, 224, 224}).flops == 2 * int64_t(4089184256));  // its _ops: 4.089
}
