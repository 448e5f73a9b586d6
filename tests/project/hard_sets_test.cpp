#include <doctest/doctest.h>

#include <filesystem>

#include <kiln/data/folders/packed.h>
#include <kiln/models/whole_file.h>
#include <kiln/project/evaluate.h>
#include <kiln/project/open_data.h>
#include <kiln/project/train.h>
#include <project/few_pictures.h>

// Sets of pictures with something wrong, and packed ones.

using namespace kiln;
using test::contains;
using test::error_of;
using test::read_file;
using test::TemporaryFolder;
using test::tiny_run;

namespace {

std::string error_of_run(const std::string& data, const std::string& out) {
  return error_of([&] { project::train(tiny_run(data, out)); });
}

// A .jsonl with a row a picture.
std::string list_of(const std::vector<std::string>& rows, const std::string& classes = R"("red","green")") {
  std::string text = "{\"classes\":[" + classes + "]}\n";
  for (const std::string& row : rows) text += "{" + row + "}\n";
  return text;
}

std::string row(const std::string& path, const std::string& label, const std::string& split) {
  return fmt::format(R"("path":"{}","label":"{}","split":"{}")", path, label, split);
}

// Eight pictures to learn from and four to judge by, of which two of each are damaged.
std::string with_damaged(const TemporaryFolder& folder) {
  test::red_and_green(folder, "set", 6);
  std::vector<std::string> rows;
  for (const char* label : {"red", "green"})
    for (int i = 0; i < 6; ++i)
      rows.push_back(row(fmt::format("set/{}/{:02}.png", label, i), label, i < 4 ? "train" : "val"));
  for (const char* name : {"set/red/00.png", "set/green/01.png", "set/red/05.png", "set/green/04.png"})
    folder.write(name, read_file(folder / name).substr(0, 100));
  return folder.write("list.jsonl", list_of(rows));
}

}  // namespace

TEST_CASE("a damaged picture ends a run with its name, or is counted and left out") {
  const TemporaryFolder folder;
  const std::string list = with_damaged(folder);
  const std::string error = error_of_run(list, folder / "strict");
  CHECK_MESSAGE((contains(error, "set/red/00.png") || contains(error, "set/green/01.png")), error);
  project::TrainOptions options = tiny_run(list, folder / "run");
  options.recipe.epochs = 2;
  options.skip_bad = 4;
  const project::TrainResult result = project::train(options);
  REQUIRE(result.history.size() == 2);
  CHECK(result.history[1].at("skipped").as_int() == 4);
  CHECK(result.skipped.size() == 4);
  CHECK(contains(read_file(folder / "run/history.json"), "\"skipped\": 4"));
  const std::string report = read_file(folder / "run/report.txt");
  CHECK_MESSAGE(contains(report, "4 pictures could not be read and are left out: "), report);
  CHECK(contains(read_file(folder / "run/report.json"), "\"samples\": 2"));
  CHECK(contains(read_file(folder / "run/index.html"), "4 pictures could not be read"));
  // Of the four that judge two are left: a figure is a multiple of a half.
  const double accuracy = result.history[1].at("validation").at("accuracy").as_float();
  CHECK((accuracy == 0 || accuracy == 0.5 || accuracy == 1));

  options.out = folder / "three";
  options.skip_bad = 3;
  CHECK(
      contains(error_of([&] { project::train(options); }), "train: 4 pictures cannot be read, and 3 may be"));
  const project::Classifier classifier(folder / "run/best.kiln");
  const data::Annotations judged = project::open_data(list).of_split("val");
  const project::Evaluation evaluation = project::evaluate(classifier, judged, {.skip_bad = 2});
  CHECK(evaluation.skipped == std::vector<std::string>{"set/red/05.png", "set/green/04.png"});
  CHECK(evaluation.labels.to_vector<int64_t>() == std::vector<int64_t>{0, 1});
  CHECK(evaluation.files.size() == 2);
  CHECK(contains(evaluation.json(), "\"skipped\": [\n"));
  CHECK(contains(error_of([&] { project::evaluate(classifier, judged); }), "set/red/05.png"));
}

TEST_CASE("sets that cannot be learned from are refused by name") {
  const TemporaryFolder folder;
  const std::string data = test::red_and_green(folder, "set", 4);
  folder.write("list.csv", "path,label,split\nset/red/00.png,red,train\nset/green/00.png,green,val\n");
  const std::string only = error_of_run(folder / "list.csv", folder / "list");
  CHECK(contains(only, "train: only the validation set has the class 'green'"));
  CHECK(contains(only, "set/green/00.png"));
  CHECK(contains(error_of_run(folder / "nowhere", folder / "no"), "is not there"));
  project::TrainOptions wrong = tiny_run(data, folder / "wrong");
  wrong.augment = "crop,fliip";
  CHECK(contains(error_of([&] { project::train(wrong); }), "there is no 'fliip', did you mean 'flip'?"));

  const std::vector<std::string> two = {row("set/red/00.png", "red", "train"),
                                        row("set/green/00.png", "green", "train")};
  folder.write("empty.jsonl", list_of(two, R"("red","green","blue")"));
  CHECK(error_of_run(folder / "empty.jsonl", folder / "empty") ==
        "train: no picture to learn from is of the class 'blue'; take it out of the set's classes");
  std::filesystem::create_directories(folder / "set/blue");
  CHECK(contains(error_of_run(data, folder / "blue"), "no pictures are of the class 'blue'"));

  std::vector<std::string> rows = two;
  for (int i = 0; i < 7; ++i) rows.push_back(row(fmt::format("set/gone{}.png", i), "red", "train"));
  folder.write("gone.jsonl", list_of(rows));
  const std::string gone =
      "train: 7 of 9 pictures are missing: set/gone0.png, set/gone1.png, set/gone2.png, set/gone3.png, "
      "set/gone4.png, ...";
  CHECK(error_of_run(folder / "gone.jsonl", folder / "gone") == gone);
}

TEST_CASE("boxes alone are not learned from, and that is said") {
  const TemporaryFolder folder;
  test::red_and_green(folder, "set", 1);
  const std::string boxes = R"("split":"train","boxes":[{"box":[1,2,8,8],"label":"red"}])";
  folder.write("boxes.jsonl", list_of({R"("path":"set/red/00.png",)" + boxes}));
  CHECK(
      error_of_run(folder / "boxes.jsonl", folder / "boxes") ==
      "train: set/red/00.png has boxes and no label of the picture as a whole; kiln learns to name pictures, "
      "not to find things in them: give each picture a label, or cut the boxes out");
  folder.write("two.jsonl", list_of({R"("path":"set/red/00.png","labels":["red","green"])"}));
  CHECK(error_of_run(folder / "two.jsonl", folder / "two") ==
        "train: set/red/00.png has 2 labels, and each picture needs one");
  // With both, the labels are learned and the boxes are not looked at.
  folder.write("both.jsonl", list_of({R"("path":"set/red/00.png","label":"red",)" + boxes,
                                      row("set/green/00.png", "green", "train")}));
  CHECK(!contains(error_of_run(folder / "both.jsonl", folder / "both"), "boxes"));
}

TEST_CASE("a packed set trains and is judged in the same bits as its pictures") {
  const TemporaryFolder folder;
  const std::string data = test::red_and_green(folder);
  data::pack(project::open_data(data), folder / "packed.kiln");
  project::TrainOptions options = tiny_run(data, folder / "files");
  options.recipe.epochs = 2;
  project::train(options);
  options.data = folder / "packed.kiln";
  options.out = folder / "packed";
  options.workers = 2;
  project::train(options);
  const models::Model files = models::load(folder / "files/best.kiln"),
                      packed = models::load(folder / "packed/best.kiln");
  for (const auto& [name, x] : files.state_dict())
    CHECK_MESSAGE(equal(x, packed.state_dict().at(name)), name);
  CHECK(read_file(folder / "files/report.json") == read_file(folder / "packed/report.json"));

  // Also by the list that the run left.
  const project::Classifier classifier(folder / "files/best.kiln");
  const project::Evaluation a = project::evaluate(
      classifier, project::open_data(folder / "files/data.jsonl", {.allow_outside = true}).of_split("val"));
  const project::Evaluation b = project::evaluate(
      classifier, project::open_data(folder / "packed/data.jsonl", {.allow_outside = true}).of_split("val"));
  CHECK(equal(a.probabilities, b.probabilities));
  CHECK(equal(a.labels, b.labels));
  REQUIRE(a.files.size() == b.files.size());
  for (size_t i = 0; i < a.files.size(); ++i) CHECK(a.files[i] == folder / ("set/" + b.files[i]));
  project::write(b, classifier, folder / "report");
}

TEST_CASE("pictures of weight 0 teach nothing, and weights are not mixed") {
  const TemporaryFolder folder;
  test::red_and_green(folder, "set", 12);
  std::vector<std::string> rows;
  for (int i = 0; i < 12; ++i)
    for (const bool is_red : {true, false}) {
      const std::string path = fmt::format("set/{}/{:02}.png", is_red ? "red" : "green", i);
      const bool is_wrong = i < 8 && i % 4 != 0;  // most of the labels that are learned from
      rows.push_back(row(path, is_red == is_wrong ? "green" : "red", i < 8 ? "train" : "val") +
                     (is_wrong ? ",\"weight\":0" : ""));
    }
  folder.write("list.jsonl", list_of(rows));
  project::TrainOptions options = tiny_run(folder / "list.jsonl", folder / "run");
  CHECK(project::train(options).best == 1);
  options.out = folder / "mixed";
  options.recipe.mixup = 0.2;
  CHECK(contains(error_of([&] { project::train(options); }),
                 "has the weight 0, and mixup and cutmix mix pictures"));
}
