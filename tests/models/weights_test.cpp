#include <doctest/doctest.h>

#include <kiln/kiln.h>
#include <kiln/models/classic/googlenet.h>
#include <kiln/models/mobile/mnasnet.h>
#include <kiln/models/models.h>
#include <kiln/models/residual/densenet.h>
#include <kiln/tensor/value/surgery.h>
#include <support/files.h>

using namespace kiln;
namespace models = kiln::nn::models;

namespace {

bool same(const StateDict& a, const StateDict& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, x] : a)
    if (b.find(name) == nullptr || !equal(x, b.at(name))) return false;
  return true;
}

}  // namespace

TEST_CASE("weights are loaded by create, wherever they are in the file") {
  const test::TemporaryFolder folder;
  const models::Model net = models::create("shufflenet_v2_x0_5", {.num_classes = 3});
  const StateDict state = net.state_dict();
  const std::string path = folder / "net.pth";
  const Value files[] = {state, {{"epoch", 3}, {"model", add_prefix(state, "module.")}}};
  for (const Value& file : files) {
    io::save(path, file);
    const models::Model loaded = models::create("shufflenet_v2_x0_5", {.weights = path});
    CHECK(same(loaded.state_dict(), state));
    CHECK(loaded.card.options.num_classes == 3);
    CHECK(loaded.new_parameters.empty());
  }
  const models::Model other = models::create("shufflenet_v2_x0_5", {.num_classes = 5, .weights = path});
  CHECK(other.new_parameters == std::vector<std::string>{"fc.weight", "fc.bias"});
  CHECK(other.state_dict().at("fc.weight").shape() == Shape{5, 1024});
  CHECK(other.state_dict().at("fc.weight").abs().max().item<float>() > 0);
  CHECK(equal(other.state_dict().at("conv1.0.weight"), state.at("conv1.0.weight")));
}

TEST_CASE("weights that do not fit are an error that lists what does not") {
  const test::TemporaryFolder folder;
  StateDict state = models::create("shufflenet_v2_x0_5").state_dict();
  state.erase("conv5.0.weight");
  const std::string path = folder / "net.safetensors";
  io::save(path, state);
  const std::string text = test::error_of([&] { models::create("shufflenet_v2_x0_5", {.weights = path}); });
  CHECK(text.find("do not fit shufflenet_v2_x0_5: 1 missing") != std::string::npos);
  CHECK(text.find("missing 'conv5.0.weight'") != std::string::npos);
  CHECK(test::error_of([&] { models::create("lenet", {.weights = path}); }).find("holds nothing of lenet") !=
        std::string::npos);
  // The name of a published file says whose it is.
  const std::string published = folder / "shufflenetv2_x0.5-f707e7126e.pth";
  io::save(published, state);
  CHECK(test::error_of([&] {
          models::create("shufflenet_v2_x1_0", {.weights = published});
        }).find("they are published for shufflenet_v2_x0_5") != std::string::npos);
  CHECK_THROWS_AS(models::create("lenet", {.weights = folder / "none.pth"}), Error);
}

TEST_CASE("DenseNet's published names have dots inside") {
  const test::TemporaryFolder folder;
  const nn::init::Skip skip;
  const StateDict state = models::densenet121({.num_classes = 2}).state_dict();
  for (const auto& [name, x] : state) x.zero_();
  const std::string path = folder / "densenet121-a639ec97.pth";
  io::save(path, rename(state, "(denselayer\\d+\\.(?:norm|conv))([12]\\.)", "$1.$2"));
  const models::Model net = models::create("densenet121", {.weights = path});
  CHECK(same(net.state_dict(), state));
}

TEST_CASE("MNASNet of version 1 has a stem of its own") {
  const test::TemporaryFolder folder;
  models::MNASNet old = models::mnasnet0_5({.num_classes = 2});
  old.use_first_version();
  const std::string path = folder / "old.pth";
  io::save(path, old.state_dict());
  models::Model net = models::create("mnasnet0_5", {.weights = path});
  CHECK(same(net.state_dict(), old.state_dict()));
  CHECK(net.state_dict().at("layers.0.weight").size(0) == 32);
  net.eval();
  CHECK(net(zeros({1, 3, 32, 32})).shape() == Shape{1, 2});
}

TEST_CASE("GoogLeNet's heads in the middle come and go with the file") {
  const test::TemporaryFolder folder;
  models::GoogLeNet trained({.num_classes = 4});
  const std::string path = folder / "own.pth", published = folder / "googlenet-1378be20.pth";
  io::save(path, trained.state_dict());
  io::save(published, trained.state_dict());
  models::Model own = models::create("googlenet", {.weights = path});
  CHECK(own.card.options.aux_logits == true);
  const Tensor x = randn({2, 3, 32, 32});
  own.train();
  CHECK(own.call({x}).size() == 3);
  CHECK(own(x).shape() == Shape{2, 4});
  own.eval();
  CHECK(own.call({x}).size() == 1);
  CHECK(models::create("googlenet", {.weights = published}).card.options.aux_logits == false);
  CHECK(models::create("googlenet", {.weights = published}).card.options.transform_input == true);
  trained.train();
  const auto [logits, aux2, aux1] = trained(x);
  CHECK((logits.defined() && aux2.defined() && aux1.defined()));
}
