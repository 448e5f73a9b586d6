#include <doctest/doctest.h>

#include <kiln/kiln.h>
#include <kiln/models/classic/googlenet.h>
#include <kiln/models/classic/squeezenet.h>
#include <kiln/models/models.h>
#include <kiln/models/residual/resnet.h>
#include <kiln/models/surgery.h>

using namespace kiln;
namespace models = kiln::nn::models;

TEST_CASE("every network of the registry has the heads that its table tells of, and gets new ones") {
  for (const std::string& name : models::names()) {
    INFO(name);
    const nn::init::Skip skip;
    if (models::info(name).type.empty()) continue;  // of another test
    models::Model net = models::create(name, {.num_classes = 11});
    const std::string head = models::replace_head(net, 3);
    CHECK(head == models::head_name(name));
    const StateDict state = net.state_dict();
    CHECK(state.at(head + ".weight").size(0) == 3);
    for (const auto& [key, x] : state) CHECK_MESSAGE((x.dim() == 0 || x.size(0) != 11), key);
    CHECK(net.card.options.num_classes == 3);
    for (const std::string& each : models::info(name).heads) CHECK(state.contains(each + ".weight"));
  }
}

TEST_CASE("a head that was replaced by layers is found in them, and keeps its dtype") {
  models::ResNet net = models::resnet18({.num_classes = 2});
  net.fc = nn::Sequential(nn::Dropout(), nn::Linear(512, 16), nn::ReLU(), nn::Linear(16, 2));
  net.to(float64);
  CHECK(models::replace_head(net, 5) == "fc.3");
  CHECK(net.state_dict().at("fc.3.weight").shape() == Shape{5, 16});
  CHECK(net.state_dict().at("fc.3.weight").dtype() == float64);
  net.fc = nn::Identity();
  CHECK_THROWS_WITH_AS(
      models::replace_head(net, 5),
      "replace_head: 'fc' of ResNet holds no Linear and no Conv2d; assign a new layer yourself", Error);
  CHECK_THROWS_AS(models::replace_head(net, 0), Error);
  nn::Sequential own(nn::Linear(2, 2));
  CHECK_THROWS_AS(models::replace_head(own, 5), Error);
}

TEST_CASE("a frozen backbone leaves the new head to learn") {
  models::Model net = models::create("squeezenet1_1", {.num_classes = 2});
  net.freeze("*");
  const std::string head = models::replace_head(net, 3);
  int64_t learning = 0;
  for (const auto& [name, x] : net.named_parameters()) {
    CHECK(x.requires_grad() == name.starts_with(head + "."));
    learning += x.requires_grad();
  }
  CHECK(learning == 2);
}

TEST_CASE("without a head a network gives features, and shares weights with the whole") {
  models::Model net = models::create("shufflenet_v2_x0_5", {.num_classes = 2});
  net.eval();
  nn::AnyModule body = models::without_head(net);
  const Tensor x = randn({2, 3, 32, 32});
  const Tensor features = body(x);
  CHECK(features.shape() == Shape{2, 1024});
  const StateDict state = net.state_dict();
  CHECK(allclose(linear(features, state.at("fc.weight"), state.at("fc.bias")), net(x)));
  CHECK(body.state_dict().at("conv1.0.weight").raw_data() == state.at("conv1.0.weight").raw_data());
  models::SqueezeNet squeeze = models::squeezenet1_1();
  squeeze.eval();
  CHECK(models::without_head(squeeze)(randn({1, 3, 64, 64})).shape() == Shape{1, 512});
}

TEST_CASE("features are what layers give, as they gave it") {
  models::ResNet net = models::resnet18({.num_classes = 2});
  net.eval();
  const Tensor x = randn({1, 3, 64, 64});
  const StateDict found = models::features(net, {"avgpool", "layer4", "layer1.0"}, x);
  REQUIRE(found.size() == 3);
  CHECK(found.begin()->name == "avgpool");
  CHECK(found.at("layer1.0").shape() == Shape{1, 64, 16, 16});
  CHECK(allclose(net.fc(flatten(found.at("avgpool"), 1)), net(x)));
  CHECK(found.at("layer4").requires_grad());
  CHECK_FALSE(net.layer4->has_hooks());
  CHECK_THROWS_WITH_AS(models::features(net, {"layer5"}, x),
                       "features: there is no layer 'layer5' in ResNet, did you mean 'layer1'?", Error);
  // A ReLU in place comes behind: it does not change what was given.
  models::Model squeeze = models::create("squeezenet1_1", {.num_classes = 2});
  squeeze.eval();
  CHECK(models::features(squeeze, {"features.0"}, x).at("features.0").min().item<float>() < 0);
}
