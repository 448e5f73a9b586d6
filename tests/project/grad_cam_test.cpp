#include <doctest/doctest.h>

#include <kiln/kiln.h>
#include <kiln/project/grad_cam.h>
#include <support/files.h>

using namespace kiln;
using test::error_of;

namespace {

// Class 0 counts what is in channel 0, class 1 what is in channel 1.
struct Net : nn::Module {
  nn::Conv2d conv{2, 2, 1, {.bias = false}};
  nn::ReLU relu;
  nn::AdaptiveAvgPool2d pool{1};
  nn::Flatten flat;
  nn::Linear fc{2, 2, {.bias = false}};
  NN_MEMBERS(conv, relu, pool, flat, fc)
  Tensor forward(const Tensor& x) const { return fc(flat(pool(relu(conv(x))))); }
};

nn::AnyModule net() {
  Net made;
  const NoGrad scope;
  made.conv.weight.copy_(eye(2).reshape({2, 2, 1, 1}));
  made.fc.weight.copy_(eye(2));
  return made;
}

Tensor picture() {
  Tensor x = zeros({1, 2, 4, 4});
  x[0][0][1][2] = 4;
  x[0][0][3][3] = 2;
  x[0][1][0][0] = 1;
  return x;
}

}  // namespace

TEST_CASE("grad_cam shows what speaks for a class") {
  nn::AnyModule model = net();
  const project::HeatMap first = project::grad_cam(model, picture(), 0);
  CHECK(first.layer == "relu");
  CHECK(first.map.shape() == Shape{4, 4});
  CHECK(first.map[1][2].item<float>() == 1);
  CHECK(first.map[3][3].item<float>() == 0.5f);
  CHECK(sum(first.map).item<float>() == 1.5f);
  const project::HeatMap second = project::grad_cam(model, picture(), 1, "conv");
  CHECK(second.map[0][0].item<float>() == 1);
  CHECK(sum(second.map).item<float>() == 1);
}

TEST_CASE("grad_cam leaves the net as it was") {
  nn::AnyModule model = net();
  model.train();
  model->requires_grad_(false);
  {
    const NoGrad scope;
    project::grad_cam(model, picture(), 0);
  }
  CHECK(model.is_training());
  for (const auto& [name, module] : model.named_modules()) CHECK_FALSE(module.has_hooks());
  for (const Tensor& x : model.parameters()) CHECK_FALSE(x.grad().defined());
}

TEST_CASE("grad_cam: a class that nothing speaks for, and what cannot be asked") {
  nn::AnyModule model = net();
  CHECK(max(project::grad_cam(model, zeros({1, 2, 4, 4}), 0).map).item<float>() == 0);
  CHECK(error_of([&] { project::grad_cam(model, picture(), 2); }) ==
        "grad_cam: there is no class 2, the scores are [1,2]");
  CHECK(error_of([&] { project::grad_cam(model, picture(), 0, "layer4"); }) ==
        "grad_cam: Net has no module 'layer4'");
  CHECK(error_of([&] { project::grad_cam(model, picture(), 0, "fc"); }) ==
        "grad_cam: 'fc' gives no maps [N,C,H,W] (in fc)");
  CHECK(error_of([&] {
          project::grad_cam(model, zeros({2, 2, 4, 4}), 0);
        }) == "grad_cam: x is [2,2,4,4], and should be one picture [1,C,H,W]");
  for (const auto& [name, module] : model.named_modules()) CHECK_FALSE(module.has_hooks());
}
