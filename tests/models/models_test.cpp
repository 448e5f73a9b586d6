#include <doctest/doctest.h>

#include <fstream>

#include <kiln/kiln.h>
#include <kiln/models/alexnet.h>
#include <kiln/models/lenet.h>
#include <kiln/models/resnet.h>

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
