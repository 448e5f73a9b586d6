#include <doctest/doctest.h>

#include <fstream>

#include <kiln/kiln.h>
#include <kiln/models/models.h>
#include <kiln/models/surgery.h>
#include <kiln/models/whole_file.h>
#include <support/files.h>

using namespace kiln;
namespace models = kiln::nn::models;

namespace {

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

models::Model example() {
  models::Model net = models::create("squeezenet1_1", {.num_classes = 2, .dropout = 0.25});
  net.card.class_names = {"cat", "dog"};
  net.card.metrics = {{"accuracy", 0.875}, {"f1", 0.5}};
  net.card.command = "kiln train --data pets";
  net.card.metadata = {{"seed", 7}, {"who", "me"}};
  net.card.preset = {.resize = 70, .crop = 64, .interpolation = image::Interpolation::lanczos};
  return net;
}

}  // namespace

TEST_CASE("a whole model comes back from one file, of either kind") {
  const test::TemporaryFolder folder;
  models::Model net = example();
  net.eval();
  const Tensor x = randn({1, 3, 64, 64});
  for (const char* name : {"net.kiln", "net.pth"}) {
    const std::string path = folder / name;
    models::save(net, path);
    models::Model loaded = models::load(path, {.device = factory_device()});
    CHECK(equal(loaded(x), net(x)));
    CHECK_FALSE(loaded.is_training());
    CHECK(loaded.card.architecture == "squeezenet1_1");
    CHECK(loaded.card.options.dropout == 0.25);
    CHECK(loaded.card.options.num_classes == 2);
    CHECK(loaded.card.class_names == net.card.class_names);
    CHECK(loaded.card.metrics == net.card.metrics);
    CHECK(loaded.card.command == net.card.command);
    CHECK(loaded.card.metadata == net.card.metadata);
    CHECK(loaded.card.preset == net.card.preset);
    CHECK(models::load_card(path).class_names == net.card.class_names);
  }
  const std::string shown = to_string(net.card);
  CHECK(contains(shown, "architecture  squeezenet1_1\n"));
  CHECK(contains(shown, "accuracy 0.875, f1 0.5"));
}

TEST_CASE("a whole model serves as weights: what it knows comes along unless the head is new") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "net.kiln";
  models::save(example(), path);
  const models::Model same = models::create("squeezenet1_1", {.weights = path});
  CHECK(same.card.class_names == std::vector<std::string>{"cat", "dog"});
  CHECK(same.card.preset.crop == 64);
  const models::Model other = models::create("squeezenet1_1", {.num_classes = 4, .weights = path});
  CHECK(other.card.class_names.empty());
  CHECK(other.new_parameters.size() == 2);
}

TEST_CASE("a network that its card does not make is refused before it is written") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "net.kiln";
  models::Model net = example();
  net.card.class_names.push_back("bird");
  CHECK(contains(test::error_of([&] { models::save(net, path); }), "names 3 classes, the network has 2"));
  net.card.class_names.clear();
  models::replace_head(net, 5);
  models::save(net, path);
  CHECK(models::load(path).card.options.num_classes == 5);
  net.card.options.num_classes = 4;
  CHECK(contains(test::error_of([&] { models::save(net, path); }),
                 "'classifier.1.weight' has shape [4,512,1,1]"));
  net.card.architecture = "";
  CHECK(contains(test::error_of([&] { models::save(net, path); }), "needs the name of an architecture"));
}

TEST_CASE("a network of one's own is saved by the name it was given") {
  const test::TemporaryFolder folder;
  models::add("wide_line",
              [](const models::ModelOptions& options) {
                const int64_t width = options.custom.is_none() ? 4 : options.custom.at("width").as_int();
                return nn::Sequential(nn::Linear(3, width), nn::ReLU(),
                                      nn::Linear(width, options.num_classes.value_or(2)));
              },
              {.heads = {"2"}});
  models::ModelOptions options;
  options.num_classes = 3;
  options.custom = {{"width", 9}};
  models::Model net = models::create("wide_line", options);
  CHECK(models::replace_head(net, 6) == "2");
  models::save(net, folder / "own.kiln");
  const models::Model loaded = models::load(folder / "own.kiln", {.device = factory_device()});
  CHECK(equal(loaded(ones({1, 3})), net(ones({1, 3}))));
  CHECK(loaded.card.options.custom.at("width").as_int() == 9);
}

TEST_CASE("a whole model says whether its pictures are grey, and old files of such networks need not") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "lenet.kiln";
  models::save(models::create("lenet"), path);
  CHECK(models::load_card(path).preset.channels == 1);
  CHECK(contains(to_string(models::load_card(path)), "grey, resize 28, crop 28, bilinear, mean 0, std 1\n"));
  Value old = io::load(path);
  old.at("kiln.model/preset").erase("channels");
  io::save(path, old);
  CHECK(models::load_card(path).preset.channels == 1);
  CHECK(models::load(path).card.preset == models::info("lenet").preset);
}

TEST_CASE("what is no whole model, or a damaged one, is refused by name") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "bad.kiln";
  models::save(example(), path);
  const Value good = io::load(path);
  const auto refusal = [&](const char* entry, const Value& value) {
    Value bad = good;
    bad.at(entry) = value;
    io::save(path, bad);
    return test::error_of([&] { models::load(path); });
  };
  CHECK(contains(refusal("kiln.model", 3), "is no whole model, it has no 'kiln.model' and 'weights'"));
  CHECK(contains(refusal("kiln.model/version", 9), "a newer Kiln wrote it"));
  CHECK(contains(refusal("kiln.model/architecture", "secret_net"),
                 "is a 'secret_net', which is no model that is known here"));
  CHECK(contains(refusal("kiln.model/architecture", 7), "its card's 'architecture' cannot be read"));
  CHECK(contains(refusal("kiln.model/options", Value{{"droput", 0.5}}), "did you mean 'dropout'?"));
  CHECK(contains(refusal("kiln.model/options", Value{{"aux_logits", true}}), "has no option 'aux_logits'"));
  CHECK(contains(refusal("kiln.model/options", Value{{"num_classes", int64_t(1) << 60}}),
                 "tells of 1152921504606846976 classes, its weights have 2"));
  CHECK(contains(refusal("kiln.model/preset/crop", -1), "needs 1 to 65536 pixels, has -1"));
  CHECK(contains(refusal("kiln.model/preset/std", Value::list({0, 1, 1})), "needs a std above 0"));
  CHECK(contains(refusal("kiln.model/preset/channels", 2), "needs 1 or 3 channels, has 2"));
  CHECK(contains(refusal("kiln.model/class_names", Value::list({1})), "'class_names' cannot be read"));
  CHECK(contains(refusal("kiln.model/architecture", "lenet"), "lenet has no option 'dropout'"));
  CHECK(contains(refusal("weights/classifier.1.bias", ones({3})), "do not fit squeezenet1_1"));
  CHECK(contains(refusal("weights/classifier.1.weight", ones({2, 3})), "do not fit squeezenet1_1"));
  io::save(path, models::create("lenet").state_dict());
  CHECK(contains(test::error_of([&] { models::load(path); }), "models::create takes weights alone"));
  std::ofstream(path) << "no model at all";
  CHECK(test::error_of([&] { models::load(path); }) != "");
}
