#include <doctest/doctest.h>

#include <filesystem>

#include <kiln/image/decode.h>
#include <kiln/project/evaluate.h>
#include <kiln/project/open_data.h>
#include <kiln/project/train.h>
#include <project/few_pictures.h>

using namespace kiln;
using test::contains;
using test::error_of;
using test::TemporaryFolder;

namespace {

project::TrainOptions options_of(const std::string& data, const std::string& out) {
  test::add_tiny_model();
  project::TrainOptions options = {.data = data, .out = out, .model = "tiny", .augment = "crop,flip,jitter"};
  options.validation = 0.25;
  options.recipe = {.epochs = 6, .batch_size = 8, .lr = 0.02};
  options.device = "cpu";
  return options;
}

}  // namespace

TEST_CASE("from a folder of pictures to a model that names them") {
  const TemporaryFolder folder;
  const std::string data = test::red_and_green(folder);
  const project::FitResult result = project::train(options_of(data, folder / "run"));
  CHECK(result.best == 1);
  for (const char* file :
       {"best.kiln", "data.jsonl", "recipe.json", "index.html", "report.txt", "report.json",
        "predictions.csv", "confusion.svg", "reliability.svg", "history.json", "loss.svg"})
    CHECK_MESSAGE(std::filesystem::exists(folder / ("run/" + std::string(file))), file);

  const project::Classifier classifier(folder / "run/best.kiln");
  CHECK(classifier.card().class_names == std::vector<std::string>{"green", "red"});
  const std::vector<project::Guess> guesses = classifier.predict(test::noise_around(210, 50, 70, 99), 5);
  REQUIRE(guesses.size() == 2);
  CHECK(guesses[0].name == "red");
  CHECK(guesses[0].probability + guesses[1].probability == doctest::Approx(1));
  CHECK(classifier.explain(test::noise_around(210, 50, 70, 99), 1).shape() == Shape{3, 32, 32});

  const data::Annotations set = project::open_data(folder / "run/data.jsonl", {.allow_outside = true});
  CHECK(project::split_of(set, "").images.size() == 8);
  const project::Evaluation evaluation =
      project::evaluate(classifier, project::split_of(set, ""), {.views = 8});
  CHECK(evaluation.report.figure("accuracy").value == 1);
  CHECK(evaluation.worst(10).empty());
}

TEST_CASE("a run goes on only as it began") {
  const TemporaryFolder folder;
  const std::string data = test::red_and_green(folder);
  project::TrainOptions options = options_of(data, folder / "run");
  options.recipe.epochs = 2;
  const project::FitResult first = project::train(options);
  options.resume = true;
  const project::FitResult again = project::train(options);
  CHECK(again.history == first.history);
  options.recipe.lr = 0.5;
  CHECK(contains(error_of([&] { project::train(options); }), "train: recipe was {\"epochs\":2"));
  options = options_of(data, folder / "run");
  options.recipe.epochs = 2;
  options.resume = true;
  options.augment = "none";
  CHECK(error_of([&] { project::train(options); }) ==
        "train: augment was \"crop,flip,jitter\" when the run began, and is \"none\"; a new run wants "
        "another --out");
}

TEST_CASE("sets that cannot be learned from are refused by name") {
  const TemporaryFolder folder;
  const std::string data = test::red_and_green(folder, "set", 4);
  folder.write("set/red/99.png", "no picture");
  CHECK(contains(error_of([&] { project::train(options_of(data, folder / "run")); }), "red/99.png"));
  project::TrainOptions skips = options_of(data, folder / "skips");
  skips.skip_bad = 1;
  skips.recipe.epochs = 1;
  CHECK(project::train(skips).history.size() == 1);

  folder.write("list.csv", "path,label,split\nset/red/00.png,red,train\nset/green/00.png,green,val\n");
  const std::string only =
      error_of([&] { project::train(options_of(folder / "list.csv", folder / "list")); });
  CHECK(contains(only, "train: only the validation set has the class 'green'"));
  CHECK(contains(only, "set/green/00.png"));
  CHECK(contains(error_of([&] { project::train(options_of(folder / "nowhere", folder / "no")); }),
                 "is not there"));
  project::TrainOptions wrong = options_of(data, folder / "wrong");
  wrong.augment = "crop,fliip";
  CHECK(contains(error_of([&] { project::train(wrong); }), "there is no 'fliip', did you mean 'flip'?"));
}
