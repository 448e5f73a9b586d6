#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include <kiln/kiln.h>
#include <kiln/models/classic/alexnet.h>
#include <kiln/models/classic/lenet.h>
#include <kiln/models/models.h>
#include <kiln/models/residual/resnet.h>
#include <support/files.h>

// The expected keys are torchvision's: model_keys.txt, written by make_model_keys.py, which also prints those
// of one network to compare with.

using namespace kiln;
namespace models = kiln::nn::models;

namespace {

struct Expected {
  std::string name;
  int64_t parameters = 0;
  size_t entries = 0;
  uint64_t hash = 0;
};

std::vector<Expected> expected() {
  std::ifstream file("tests/models/model_keys.txt");
  std::vector<Expected> rows;
  for (std::string line; std::getline(file, line);) {
    Expected row;
    std::istringstream words(line);
    words >> row.name >> row.parameters >> row.entries >> std::hex >> row.hash;
    rows.push_back(row);
  }
  return rows;
}

uint64_t hash_of(const StateDict& state) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const auto& [key, x] : state)
    for (const char c : key + " " + name_of(x.dtype()) + " " + to_string(x.shape()) + "\n")
      hash = (hash ^ uint8_t(c)) * 0x100000001B3;
  return hash;
}

int64_t parameters_of(const nn::Module& net) {
  int64_t count = 0;
  for (const Tensor& x : net.parameters()) count += x.numel();
  return count;
}

bool known(const std::string& name) {
  const std::vector<std::string> all = models::names();
  return std::find(all.begin(), all.end(), name) != all.end();
}

}  // namespace

TEST_CASE("state dicts have torchvision's keys, dtypes and shapes") {
  const std::vector<Expected> rows = expected();
  REQUIRE(rows.size() == 80);
  for (const Expected& row : rows) {
    if (!known(row.name)) continue;
    INFO(row.name);
    const nn::init::Skip skip;
    const models::Model net = models::create(row.name, {.num_classes = 10});
    CHECK(parameters_of(net) == row.parameters);
    const StateDict state = net.state_dict();
    CHECK(state.size() == row.entries);
    CHECK(hash_of(state) == row.hash);
  }
}

TEST_CASE("torchvision's numbers of parameters are those of the networks") {
  for (const char* name : {"resnet18", "densenet121", "mnasnet0_75", "shufflenet_v2_x0_5", "squeezenet1_1"}) {
    INFO(name);
    const nn::init::Skip skip;
    const models::ModelInfo info = models::info(name);
    CHECK(parameters_of(models::create(name)) == info.parameters);
    CHECK(info.gmacs > 0);
    CHECK(info.input == Shape{1, 3, 224, 224});
    CHECK(info.weights.size() >= 1);
  }
}

TEST_CASE("a summary counts what torchvision counts, products of attention too") {
  for (const char* name : {"resnet18", "swin_t", "swin_v2_t", "maxvit_t", "vit_b_32"}) {
    CAPTURE(name);
    const nn::init::Skip skip;
    models::Model net = models::create(name);
    net.eval();
    const models::ModelInfo info = models::info(name);
    CHECK(double(nn::summarize(net, info.input).flops) / 2e9 == doctest::Approx(info.gmacs).epsilon(1e-3));
  }
}

TEST_CASE("models are made by name") {
  for (const char* name : {"lenet", "resnet18", "squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5"}) {
    models::Model net = models::create(name, {.num_classes = 7});
    net.eval();
    const Shape input = std::string(name) == "lenet" ? Shape{1, 1, 28, 28} : Shape{1, 3, 64, 64};
    CHECK(net(zeros(input)).shape() == Shape{1, 7});
    CHECK(net.card.architecture == name);
    CHECK(net.card.options.num_classes == 7);
  }
  const std::string error = test::error_of([] { models::create("resnet5"); });
  CHECK(error.find("create: there is no model 'resnet5', did you mean 'resnet50'?; there are ") == 0);
  CHECK_THROWS_WITH_AS(models::create("resnet18", {.dropout = 0.1}),
                       "create: resnet18 has no option 'dropout'; leave it out", Error);
  CHECK_THROWS_WITH_AS(models::create("vgg11", {.num_classes = 0}),
                       "create: vgg11 needs at least one class, num_classes is 0", Error);
}

TEST_CASE("a preset is that of the weights that are used") {
  CHECK(models::create("shufflenet_v2_x0_5").card.preset == image::Preset{.resize = 256, .crop = 224});
  CHECK(models::info("resnet50").preset.resize == 232);  // the default weights are the second
  std::string model;
  const auto first = models::find_published("/some/where/resnet50-0676ba61.pth", &model);
  REQUIRE(first.has_value());
  CHECK(model == "resnet50");
  CHECK(first->name == "IMAGENET1K_V1");
  CHECK(first->preset.resize == 256);
  CHECK(first->gmacs == doctest::Approx(4.089));
  CHECK_FALSE(models::find_published("resnet50.pth").has_value());
  CHECK(models::info("inception_v3").preset == image::Preset{.resize = 342, .crop = 299});
}

TEST_CASE("a model of one's own has a name, too") {
  models::add(
      "one_layer",
      [](const models::ModelOptions& options) { return nn::Linear(3, options.num_classes.value_or(2)); },
      {.heads = {}, .preset = {.resize = 3, .crop = 3}});
  CHECK(models::create("one_layer", {.num_classes = 5})(ones({1, 3})).shape() == Shape{1, 5});
  CHECK(known("one_layer"));
  CHECK_THROWS_WITH_AS(models::add("lenet", [](const models::ModelOptions&) { return nn::ReLU(); }),
                       "models::add: there already is a model 'lenet'", Error);
}

TEST_CASE("heads are replaced by hand") {
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

  const nn::init::Skip skip;
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
