#include <doctest/doctest.h>

#include <filesystem>

#include <kiln/kiln.h>
#include <kiln/project/fit/fit.h>
#include <support/files.h>

using namespace kiln;
using test::contains;
using test::error_of;
using test::read_file;

namespace {

// Two clouds that a straight line parts.
data::TensorDataset clouds(int64_t count, int64_t seed) {
  Generator generator{uint64_t(seed)};
  const Tensor y = remainder(arange(count), 2);
  const Tensor x = randn({count, 2}, {}, &generator) * 0.3 + (y.to(float32) * 2 - 1).reshape({count, 1});
  return data::TensorDataset({x, y}, {"low", "high"});
}

project::FitData data_of(uint64_t seed = 0) {
  return {.train = data::DataLoader(clouds(64, 1), {.batch_size = 16, .shuffle = true, .seed = seed}),
          .validation = data::DataLoader(clouds(32, 2), {.batch_size = 16}),
          .class_counts = {32, 32}};
}

nn::AnyModule net_of() {
  manual_seed(3);
  return nn::Sequential(nn::Linear(2, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Dropout(0.2), nn::Linear(8, 2));
}

project::Recipe recipe_of() { return {.epochs = 4, .batch_size = 16, .lr = 0.05, .ema = 0.9}; }

}  // namespace

TEST_CASE("a fit learns, tells what it did, and keeps the best") {
  const test::TemporaryFolder folder;
  nn::AnyModule net = net_of();
  std::vector<double> kept;
  int64_t epochs = 0;
  const auto keep = [&](const Value& metrics, bool is_best) {
    ++epochs;
    if (is_best) kept.push_back(metrics.at("accuracy").as_float());
  };
  const project::FitResult result =
      project::fit(net, data_of(), recipe_of(), {.folder = folder.path(), .keep = keep});
  CHECK(epochs == 4);
  CHECK(result.history.size() == 4);
  CHECK(result.best > 0.9);
  REQUIRE(!kept.empty());
  CHECK(kept.back() == result.best);
  CHECK(result.history[3].at("loss").as_float() < result.history[0].at("loss").as_float());
  for (const char* name : {"checkpoint.kiln", "history.json", "loss.svg", "metric.svg"})
    CHECK(std::filesystem::exists(folder / name));
  CHECK(contains(read_file(folder / "history.json"), "\"validation\""));
}

TEST_CASE("a fit that goes on ends in the same bits") {
  const test::TemporaryFolder whole, parts;
  nn::AnyModule once = net_of();
  project::fit(once, data_of(), recipe_of(), {.folder = whole.path()});

  // Killed after the second epoch: all that is left is the checkpoint.
  nn::AnyModule first = net_of();
  int epochs = 0;
  struct Killed {};
  const auto kill = [&](const project::Predictions&) {
    if (++epochs == 3) throw Killed();
    return Value::dict();
  };
  CHECK_THROWS_AS(project::fit(first, data_of(), recipe_of(), {.folder = parts.path(), .measure = kill}),
                  Killed);
  nn::AnyModule again = net_of();
  manual_seed(99);
  const project::FitResult result =
      project::fit(again, data_of(), recipe_of(), {.folder = parts.path(), .resume = true});
  CHECK(result.history.size() == 4);
  for (const auto& [name, x] : once.state_dict()) CHECK_MESSAGE(equal(x, again.state_dict().at(name)), name);
}

TEST_CASE("a frozen part does not change at all") {
  const test::TemporaryFolder folder;
  nn::AnyModule net = net_of();
  project::Recipe recipe = recipe_of();
  recipe.mixup = 0.2;
  recipe.class_weights = true;
  recipe.freeze = {"0", "1"};
  const StateDict before = nn::clone(net).state_dict();
  project::fit(net, data_of(), recipe, {.folder = folder.path(), .head = "4"});
  const StateDict after = net.state_dict();
  for (const auto& [name, x] : before)
    CHECK_MESSAGE(equal(x, after.at(name)) == !name.starts_with("4."), name);
}

TEST_CASE("a fit ends early when it is tired, and refuses what makes no sense") {
  const test::TemporaryFolder folder;
  nn::AnyModule net = net_of();
  project::Recipe recipe = {.epochs = 50, .batch_size = 16, .lr = 0, .patience = 2, .freeze = {"1"}};
  CHECK(project::fit(net, data_of(), recipe, {.folder = folder.path()}).history.size() == 3);
  recipe.metric = "f2";
  CHECK(error_of([&] { project::fit(net, data_of(), recipe, {.folder = folder.path()}); }) ==
        "fit: nobody measures 'f2' on the validation set; there are loss, accuracy");
  recipe.freeze = {"*"};
  CHECK(contains(error_of([&] { project::fit(net, data_of(), recipe, {.folder = folder.path()}); }),
                 "no parameter of Sequential learns"));
  CHECK(error_of([&] { project::fit(net, data_of(), {.optimizer = "adamv"}, {.folder = folder.path()}); }) ==
        "recipe: optimizer is 'adamv', and should be one of adamw, adam, sgd; did you mean 'adamw'?");
  nn::AnyModule wild = nn::Sequential(nn::Linear(2, 8), nn::Linear(8, 8), nn::Linear(8, 2));
  const project::Recipe leaps = {.batch_size = 16, .optimizer = "sgd", .lr = 1e9, .schedule = "constant"};
  CHECK(contains(error_of([&] { project::fit(wild, data_of(), leaps, {.folder = folder / "wild"}); }),
                 "fit: the loss is "));
}

TEST_CASE("a recipe goes through JSON and back") {
  project::Recipe recipe = recipe_of();
  recipe.freeze = {"features.*", "norm"};
  const Value value = to_value(recipe);
  CHECK(to_value(project::recipe_from(value)) == value);
  CHECK(error_of([&] {
          project::recipe_from({{"epochs", 3}, {"leerning", 1}});
        }) == "recipe: there is no 'leerning'");
}

TEST_CASE("a sample's weight is how often its loss counts") {
  // Each sample is there twice, once with the wrong label. The first step of SGD tells the gradient.
  constexpr double kStep = 0.1 * 1.9;  // with Nesterov's momentum
  const Tensor x = tensor({1.0, 2.0, -1.0, 0.5, 1.0, 2.0, -1.0, 0.5}).to(float32).reshape({8, 1});
  const Tensor y = tensor({0, 1, 0, 1, 1, 0, 1, 0}),
               weight = tensor({1.0, 2.0, 0.5, 3.0, 0, 0, 0, 0}).to(float32);
  for (const bool class_weights : {false, true}) {
    const project::Recipe recipe = {.epochs = 1,
                                    .batch_size = 8,
                                    .optimizer = "sgd",
                                    .lr = 0.1,
                                    .weight_decay = 0,
                                    .schedule = "constant",
                                    .warmup = 0,
                                    .label_smoothing = 0.1,
                                    .class_weights = class_weights};
    manual_seed(1);
    nn::AnyModule net = nn::Linear(1, 2), same = nn::clone(net);
    const project::FitData data = {
        .train = data::DataLoader(data::TensorDataset({x, y, weight}, {"a", "b"}), {.batch_size = 8}),
        .validation = data::DataLoader(data::TensorDataset({x, y}, {"a", "b"}), {.batch_size = 8}),
        .class_counts = {6, 2}};
    const test::TemporaryFolder folder;
    project::fit(net, data, recipe, {.folder = folder.path()});

    CrossEntropyOptions how = {.label_smoothing = 0.1, .reduction = Reduction::none};
    const Tensor of_class =
        class_weights ? tensor({8.0 / 12, 8.0 / 4}).to(float32) : tensor({1.0, 1.0}).to(float32);
    how.weight = of_class;
    const Tensor each = cross_entropy(same(x.narrow(0, 0, 4)), y.narrow(0, 0, 4), how);
    const Tensor w = weight.narrow(0, 0, 4);
    (sum(each * w) / sum(w * of_class.index_select(0, y.narrow(0, 0, 4)))).backward();
    for (const auto& [name, p] : same.named_parameters()) {
      const NoGrad scope;
      CHECK_MESSAGE(allclose(net.state_dict().at(name), p - kStep * p.grad(), 1e-5, 1e-6), name);
    }
  }
}
