#include <doctest/doctest.h>

#include <fstream>

#include <kiln/kiln.h>
#include <kiln/models/classic/alexnet.h>
#include <kiln/models/classic/lenet.h>
#include <kiln/models/models.h>
#include <kiln/models/residual/resnet.h>

// The expected keys are torchvision's: model_keys.txt, written by make_model_keys.py.

using namespace kiln;
namespace models = kiln::nn::models;

namespace {

std::vector<std::string> expected_keys(const std::string& model) {
  std::ifstream file("tests/models/model_keys.txt");
  std::vector<std::string> keys;
  bool found = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model "))
      found = line == "model " + model;
    else if (found)
      keys.push_back(line);
  }
  return keys;
}

void check_keys(const std::string& name, const nn::Module& model) {
  const std::vector<std::string> expected = expected_keys(name);
  const StateDict state = model.state_dict();
  REQUIRE(state.size() == expected.size());
  size_t i = 0;
  for (const auto& [key, x] : state)
    CHECK(key + " " + name_of(x.dtype()) + " " + to_string(x.shape()) == expected[i++]);
}

}  // namespace

TEST_CASE("state dicts have torchvision's keys, dtypes and shapes") {
  check_keys("resnet18", models::resnet18({.num_classes = 10}));
  check_keys("resnet34", models::resnet34({.num_classes = 10}));
  check_keys("resnet50", models::resnet50({.num_classes = 10}));
  check_keys("alexnet", models::AlexNet({.num_classes = 10}));
}

TEST_CASE("models are made by name") {
  CHECK(models::names() == std::vector<std::string>{"alexnet", "lenet", "resnet18", "resnet34", "resnet50"});
  for (const std::string& name : models::names()) {
    nn::AnyModule net = models::create(name, {.num_classes = 7});
    net.eval();
    const Shape input = name == "lenet" ? Shape{1, 1, 28, 28} : Shape{1, 3, 64, 64};
    CHECK(net(zeros(input)).shape() == Shape{1, 7});
  }
  check_keys("resnet50", models::create("resnet50", {.num_classes = 10}));
  CHECK_THROWS_WITH_AS(
      models::create("resnet5"),
      "create: there is no model 'resnet5', did you mean 'resnet50'?; there are alexnet, lenet, "
      "resnet18, resnet34, resnet50",
      Error);
  CHECK_THROWS_WITH_AS(models::create("resnet18", {.dropout = 0.1}),
                       "create: resnet18 has no option 'dropout'; leave it out", Error);
}

TEST_CASE("a model of one's own has a name, too") {
  models::add("one_layer", [](const models::ModelOptions& options) {
    return nn::Linear(3, options.num_classes.value_or(2));
  });
  CHECK(models::create("one_layer", {.num_classes = 5})(ones({1, 3})).shape() == Shape{1, 5});
  CHECK(models::names()[2] == "one_layer");
  CHECK_THROWS_WITH_AS(models::add("lenet", [](const models::ModelOptions&) { return nn::ReLU(); }),
                       "models::add: there already is a model 'lenet'", Error);
}

TEST_CASE("heads are replaced") {
  auto resnet = models::resnet18();
  resnet.fc = nn::Linear(resnet.fc->in_features(), 4);
  resnet.maxpool = nn::Identity();
  resnet.eval();
  CHECK(resnet(zeros({1, 3, 32, 32})).shape() == Shape{1, 4});
  resnet.fc = nn::Sequential(nn::Dropout(), nn::Linear(512, 3));
  CHECK(resnet.state_dict().at("fc.1.weight").shape() == Shape{3, 512});
  resnet.fc = nn::Identity();
  CHECK(resnet(zeros({1, 3, 32, 32})).shape() == Shape{1, 512});
  CHECK(resnet.layer1[0].type_name() == "BasicBlock");

  models::AlexNet alexnet;
  alexnet.classifier[6] = nn::Linear(4096, 5);
  alexnet.eval();
  CHECK(alexnet(zeros({1, 3, 64, 64})).shape() == Shape{1, 5});
  alexnet.classifier = nn::Linear(256 * 6 * 6, 2);
  CHECK(alexnet(zeros({1, 3, 64, 64})).shape() == Shape{1, 2});

  models::LeNet lenet;
  lenet.fc3 = nn::Identity();
  CHECK(lenet(zeros({1, 1, 28, 28})).shape() == Shape{1, 84});
}
