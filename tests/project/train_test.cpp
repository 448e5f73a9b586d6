#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include <kiln/image/decode.h>
#include <kiln/io/bytes/json.h>
#include <kiln/project/evaluate.h>
#include <kiln/project/open_data.h>
#include <kiln/project/train.h>
#include <project/few_pictures.h>

using namespace kiln;
using test::contains;
using test::error_of;
using test::TemporaryFolder;

TEST_CASE("from a folder of pictures to a model that names them") {
  const TemporaryFolder folder;
  const std::string data = test::red_and_green(folder);
  const project::FitResult result = project::train(test::tiny_run(data, folder / "run"));
  CHECK(result.best == 1);
  for (const char* file :
       {"best.kiln", "last.kiln", "data.jsonl", "recipe.json", "index.html", "report.txt", "report.json",
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

TEST_CASE("a run shows its pictures: what it learned from, and the surest mistakes") {
  const TemporaryFolder folder;
  project::TrainOptions options = test::tiny_run(test::red_and_green(folder), folder / "run");
  options.recipe.epochs = 1;
  options.recipe.lr = 1e-9;  // that half are mistaken
  project::train(options);
  std::string events;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "run"))
    if (contains(entry.path().filename(), "tfevents")) events += test::read_file(entry.path());
  const auto picture = [&](const std::string& tag) {
    const size_t at = events.find(tag);
    REQUIRE_MESSAGE(at != events.npos, tag);
    return image::decode(std::string_view(events).substr(events.find("\x89PNG", at)));
  };
  // Eight of 32 pixels in a row, each of its class's colour.
  const Tensor training = picture("pictures/training");
  CHECK(training.shape() == Shape{3, 32, 8 * 32});
  for (int64_t i = 0; i < 8; ++i) {
    const Tensor colour = mean(training.narrow(2, i * 32, 32).to(float32), {1, 2});
    CHECK(std::abs(colour[0].item<double>() - colour[1].item<double>()) > 40);
  }
  const Tensor mistakes = picture("pictures/mistakes");
  CHECK(mistakes.size(1) == 32);
  const int64_t wrong =
      int64_t(std::lround(8 * (1 - io::parse_json(test::read_file(folder / "run/report.json"), "report", 16)
                                       .at("figures")
                                       .at("accuracy")
                                       .at("value")
                                       .as_float())));
  CHECK(mistakes.size(2) == wrong * 32);
}

TEST_CASE("a run goes on only as it began") {
  const TemporaryFolder folder;
  const std::string data = test::red_and_green(folder);
  project::TrainOptions options = test::tiny_run(data, folder / "run");
  options.recipe.epochs = 2;
  const project::FitResult first = project::train(options);
  options.resume = true;
  const project::FitResult again = project::train(options);
  CHECK(again.history == first.history);
  options.recipe.lr = 0.5;
  CHECK(contains(error_of([&] { project::train(options); }), "train: recipe was {\"epochs\":2"));
  options = test::tiny_run(data, folder / "run");
  options.recipe.epochs = 2;
  options.resume = true;
  options.augment = "none";
  CHECK(error_of([&] { project::train(options); }) ==
        "train: augment was \"crop,flip,jitter\" when the run began, and is \"none\"; a new run wants "
        "another --out");
}
