#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include <kiln/kiln.h>
#include <kiln/models/attention/maxvit.h>
#include <kiln/models/attention/swin_transformer.h>
#include <kiln/models/attention/vision_transformer.h>
#include <kiln/models/mobile/efficientnet.h>
#include <kiln/models/mobile/efficientnet_lite.h>
#include <kiln/models/mobile/mobilenet_v2.h>
#include <kiln/models/mobile/mobilenet_v3.h>
#include <kiln/models/residual/convnext.h>
#include <kiln/models/residual/regnet.h>

// Small networks of the families' classes have the scores and the gradients of torchvision's: small_nets.txt,
// written by make_small_nets.py.

using namespace kiln;
namespace models = kiln::nn::models;

namespace {

constexpr int64_t kClasses = 5;

using Lines = std::map<std::string, std::vector<double>>;

Lines expected_of(const std::string& net) {
  std::ifstream file("tests/models/small_nets.txt");
  Lines lines;
  bool found = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("net ")) found = line == "net " + net;
    if (!found || line.starts_with("net ")) continue;
    std::istringstream words(line);
    std::string key;
    words >> key;
    for (double number = 0; words >> number;) lines[key].push_back(number);
  }
  return lines;
}

Tensor waves(const Shape& shape, double phase) {
  const Tensor steps = arange(0, numel(shape), 1, {.dtype = float64});
  return reshape(sin(steps * 1.7 + phase), shape);
}

void fill(nn::Module& net) {
  const NoGrad no_grad;
  double number = 0;
  for (const auto& [name, x] : net.state_dict()) {
    const double phase = number++;
    if (x.dtype() != float32 || name.ends_with("relative_coords_table")) continue;
    const Tensor wave = waves(x.shape(), phase);
    if (name.ends_with("running_var"))
      x.copy_(1 + 0.5 * wave);
    else if (x.dim() == 1)
      x.copy_((name.ends_with("weight") ? 1 : 0) + 0.2 * wave);
    else
      x.copy_(wave * 2 / std::sqrt(double(x.numel()) / double(x.size(0))));
  }
}

// Asks for nothing but that the numbers are those of the file, rounding apart.
void check(const std::string& name, nn::AnyModule net, int64_t side) {
  CAPTURE(name);
  const Lines expected = expected_of(name);
  fill(net);
  const Tensor x = waves({2, 3, side, side}, 0.5).to(float32);
  net.eval();
  {
    const NoGrad no_grad;
    const Tensor scores = flatten(net(x)).contiguous();
    REQUIRE(size_t(scores.numel()) == expected.at("scores").size());
    for (int64_t i = 0; i < scores.numel(); ++i)
      CHECK(std::abs(scores[i].item<double>() - expected.at("scores")[size_t(i)]) < 1e-4);
  }
  net.train(name != "MobileNetV2");
  cross_entropy(net(x), tensor({1, 3})).backward();
  const nn::NamedTensors parameters = net.named_parameters();
  CHECK(parameters.size() + 1 == expected.size());
  double largest = 0;
  for (const auto& [key, numbers] : expected)
    if (key != "scores") largest = std::max(largest, numbers[0]);
  for (const auto& [key, parameter] : parameters) {
    CAPTURE(key);
    const Tensor g = flatten(parameter.grad().contiguous()).to(float64);
    const std::vector<double>& numbers = expected.at(key);
    const double allowed = 1e-3 * numbers[0] + 1e-5 * largest;
    CHECK(std::abs(norm(g).item<double>() - numbers[0]) < allowed);
    CHECK(std::abs(dot(g, cos(arange(0, g.numel(), 1, {.dtype = float64}))).item<double>() - numbers[1]) <
          allowed);
  }
}

models::SwinTransformer swin(models::SwinVersion version, int64_t window) {
  return models::SwinTransformer({version, 16, {2, 2}, {2, 4}, window, 0}, {.num_classes = kClasses});
}

}  // namespace

TEST_CASE("small mobile networks compute what torchvision's do") {
  check("MobileNetV2", models::MobileNetV2({.num_classes = kClasses, .width_mult = 0.1, .dropout = 0}), 32);
  check("MobileNetV3",
        models::MobileNetV3({{8, 3, 16, 8, true, false, 1}, {8, 5, 24, 16, true, true, 2}}, 32,
                            {.num_classes = kClasses, .dropout = 0}),
        16);
  check("EfficientNet",
        models::EfficientNet(
            {{{1, 3, 1, 8, 8, 2, true}, {4, 3, 2, 8, 16, 1, true}, {4, 3, 1, 16, 16, 2}}, 0, {}, {}},
            {.num_classes = kClasses, .stochastic_depth_prob = 0}),
        16);
}

TEST_CASE("small residual networks compute what torchvision's do") {
  check("RegNet", models::RegNet({4, 16, 20.0, 2.2, 8, 0.25}, {.num_classes = kClasses}), 32);
  check("ConvNeXt", models::ConvNeXt({{8, 16}, {1, 1}, 0}, {.num_classes = kClasses}), 32);
}

TEST_CASE("small networks of attention compute what torchvision's do") {
  check("VisionTransformer",
        models::VisionTransformer({4, 2, 4, 16, 32}, {.num_classes = kClasses, .image_size = 16}), 16);
  check("SwinTransformer", swin(models::SwinVersion::v1, 3), 30);
  check("SwinTransformerV2", swin(models::SwinVersion::v2, 4), 36);
  check("MaxVit", models::MaxVit({8, {8, 16}, {1, 2}, 8, 0, 2}, {.num_classes = kClasses, .image_size = 32}),
        32);
}

TEST_CASE("position embeddings move to pictures of another size") {
  const Tensor positions = waves({1, 17, 3}, 0).to(float32);
  const StateDict state{{"encoder.pos_embedding", positions}, {"heads.head.bias", ones({5})}};
  const StateDict moved = models::interpolate_embeddings(24, 4, state, true);
  CHECK(moved.size() == 1);
  const Tensor& grid = moved.at("encoder.pos_embedding");
  REQUIRE(grid.shape() == Shape{1, 37, 3});
  const std::vector<double> expected = expected_of("interpolate_embeddings").at("scores");
  for (int64_t i = 0; i < grid.numel(); ++i)
    CHECK(std::abs(flatten(grid)[i].item<double>() - expected[size_t(i)]) < 1e-5);
  CHECK(equal(models::interpolate_embeddings(16, 4, state).at("encoder.pos_embedding"), positions));
  CHECK_THROWS_WITH_AS(models::interpolate_embeddings(18, 4, state),
                       "VisionTransformer: image_size must be a multiple of the patch's 4, got 18", Error);
  CHECK_THROWS_WITH_AS(
      models::interpolate_embeddings(16, 4, {{"encoder.pos_embedding", zeros({1, 16, 3})}}),
      "interpolate_embeddings: encoder.pos_embedding must be [1, side * side + 1, E], got [1,16,3]", Error);
}

TEST_CASE("networks that know their picture's size say so") {
  const NoGrad no_grad;
  const models::VisionTransformer vit({4, 1, 2, 8, 8}, {.image_size = 16});
  CHECK_THROWS_WITH_AS(
      vit(zeros({1, 3, 20, 20})),
      doctest::Contains(
          "VisionTransformer: x must be [N,3,16,16], got [1,3,20,20]; make it with another image_size"),
      Error);
  CHECK_THROWS_WITH_AS(
      models::maxvit_t({.image_size = 200}),
      "MaxVit: image_size 200 gives block 0 pictures of 50 x 50, which partitions of 7 do not tile", Error);
}

TEST_CASE("EfficientNet-Lite pads as TensorFlow does") {
  const NoGrad no_grad;
  models::Conv2dSamePadding conv(1, 1, 3, 2);
  nn::init::ones_(conv.weight);
  // Even sizes miss one row and column, behind; odd ones miss one on each side.
  const Tensor even = conv(ones({1, 1, 4, 4})), odd = conv(ones({1, 1, 5, 5}));
  CHECK(equal(even, reshape(tensor({9.0f, 6.0f, 6.0f, 4.0f}), {1, 1, 2, 2})));
  CHECK(equal(odd, reshape(tensor({4.0f, 6.0f, 4.0f, 6.0f, 9.0f, 6.0f, 4.0f, 6.0f, 4.0f}), {1, 1, 3, 3})));
}
