#include <doctest/doctest.h>

#include <kiln/image/resize.h>
#include <kiln/project/check/check.h>
#include <kiln/project/open_data.h>
#include <project/few_pictures.h>

using namespace kiln;
using project::Check;
using project::Finding;
using test::contains;
using test::TemporaryFolder;

namespace {

// The texts of the findings of a kind.
std::vector<std::string> found(const Check& check, const std::string& kind) {
  std::vector<std::string> texts;
  for (const Finding& finding : check.findings)
    if (finding.kind == kind) texts.push_back(finding.text);
  return texts;
}

Check check_folder(const std::string& path, const project::CheckOptions& options = {}) {
  return project::check_data(project::open_data(path, {.allow_outside = true}), options);
}

}  // namespace

TEST_CASE("a good set has no finding") {
  const TemporaryFolder folder;
  const Check check = check_folder(test::red_and_green(folder));
  CHECK(check.findings.empty());
  CHECK(check.pictures == 32);
  CHECK(check.classes.size() == 2);
  CHECK(check.classes[0].pictures == std::vector<int64_t>{16});
  CHECK(check.mean[0] == doctest::Approx(130 / 255.0).epsilon(0.02));
  CHECK(check.least_width == 40);
}

TEST_CASE("what is wrong with files is found, each by its name") {
  const TemporaryFolder folder;
  const std::string data = test::red_and_green(folder, "set", 4);
  const std::string picture = image::encode_png(test::noise_around(200, 60, 60, 50));
  folder.write("set/red/cut.png", picture.substr(0, picture.size() / 2));
  folder.write("set/red/empty.png", "");
  folder.write("set/red/text.png", "hello");
  folder.write("set/red/other.jpg", picture);
  folder.write("set/red/thin.png", image::encode_png(zeros({3, 4, 90}, {.dtype = uint8})));
  const Check check = check_folder(data);
  CHECK(found(check, "unreadable").size() == 3);
  CHECK(check.unreadable == 3);
  CHECK(found(check, "wrong ending") == std::vector<std::string>{"red/other.jpg is a PNG picture"});
  CHECK(found(check, "odd size") == std::vector<std::string>{"red/thin.png has 90 x 4 pixels"});
  CHECK(check.count(Finding::Level::error) == 4);
  const std::string text = to_text(check);
  CHECK(contains(text, "red/empty.png: the file is empty"));
  CHECK(contains(text, "4 errors, 1 warning"));
}

TEST_CASE("copies are found, also in another size and compression, and across splits") {
  const TemporaryFolder folder;
  test::red_and_green(folder, "set/train", 4);
  test::red_and_green(folder, "set/val", 0);
  // Pictures with something on them: shapes survive what noise does not.
  Tensor shapes = full({3, 96, 96}, 30, {.dtype = uint8});
  shapes.narrow(1, 10, 30).narrow(2, 20, 50).fill_(220);
  shapes.narrow(1, 60, 25).narrow(2, 5, 40).fill_(120);
  folder.write("set/train/red/shapes.png", image::encode_png(shapes));
  folder.write("set/val/red/small.jpg", image::encode_jpeg(image::resize(shapes, {60, 60}), {.quality = 50}));
  folder.write("set/train/green/same.png", image::encode_png(test::noise_around(60, 180, 60, 1)));
  const Check check = check_folder(folder / "set");
  CHECK(found(check, "leak") ==
        std::vector<std::string>{
            "train/red/shapes.png and val/red/small.jpg are nearly the same picture, in the splits "
            "train and val"});
  CHECK(found(check, "duplicates") ==
        std::vector<std::string>{"train/green/00.png and train/green/same.png are the same file"});
  CHECK(check_folder(folder / "set", {.similar = false}).count(Finding::Level::error) == 0);
}

TEST_CASE("what is wrong with labels is found") {
  const TemporaryFolder folder;
  test::red_and_green(folder, "set", 3);
  folder.write("list.jsonl",
               R"({"classes": ["red", "green", "blue"]}
{"path": "set/red/00.png", "label": "red", "split": "train"}
{"path": "set/red/01.png", "split": "train"}
{"path": "set/green/00.png", "label": "green", "split": "val"}
{"path": "set/gone.png", "label": "red", "split": "train"}
{"path": "set/red/02.png", "label": "red", "width": 41, "height": 40, "split": "train"}
)");
  const Check check = check_folder(folder / "list.jsonl", {.unnamed = {"set/extra.png"}});
  CHECK(found(check, "without a label") ==
        std::vector<std::string>{"set/extra.png is not in the set", "set/red/01.png has no label"});
  CHECK(found(check, "empty class") == std::vector<std::string>{"the class 'blue' has no picture"});
  CHECK(found(check, "unlearnable class") ==
        std::vector<std::string>{"the class 'green' has 1 pictures, none of them in the split train"});
  CHECK(found(check, "unreadable").size() == 1);
  CHECK(found(check, "other size") ==
        std::vector<std::string>{"set/red/02.png has 40 x 40 pixels, and 41 x 40 in the annotations"});
}

TEST_CASE("the report as JSON and as a page") {
  const TemporaryFolder folder;
  const std::string data = test::red_and_green(folder, "set", 2);
  folder.write("set/red/<b>.png", test::read_file(folder / "set/red/00.png"));
  const data::Annotations set = project::open_data(data);
  const Check check = project::check_data(set);
  const std::string json = to_json(check), page = to_html(check, set);
  CHECK(contains(json, "\"warnings\": 1"));
  CHECK(contains(json, "\"red/<b>.png\""));
  CHECK(contains(page, "red/&lt;b&gt;.png"));
  CHECK(!contains(page, "<b>"));
  CHECK(contains(page, "src=\"data:image/jpeg;base64,"));
  CHECK(!contains(page, "http"));
}
