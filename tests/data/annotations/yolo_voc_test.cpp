#include <doctest/doctest.h>

#include <filesystem>

#include <kiln/autograd/ops.h>
#include <kiln/data/annotations/elpv.h>
#include <kiln/data/annotations/voc.h>
#include <kiln/data/annotations/yolo.h>
#include <kiln/image/encode.h>

#include "data/annotations/sample.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;

std::string png(int64_t height, int64_t width) {
  return image::encode_png(zeros({3, height, width}, {.dtype = uint8}));
}

// A folder of YOLO's layout with one picture of 40 x 20.
data::Annotations read_yolo(const std::string& yaml, const std::string& labels,
                            const data::AnnotationOptions& options = {}) {
  const test::TemporaryFolder folder(test::memory_folder());
  folder.write("images/train/x.png", png(20, 40));
  folder.write("labels/train/x.txt", labels);
  return data::read_yolo(folder.write("data.yaml", yaml), options);
}

data::Annotations read_voc(const std::string& xml, const data::AnnotationOptions& options = {}) {
  const test::TemporaryFolder folder(test::memory_folder());
  folder.write("x.xml", xml);
  return data::read_voc(folder.path(), options);
}

constexpr const char* kYaml = "path: .  # here\ntrain: images/train\nnames: [cat, 'the \"dog\"']\n";
const std::string kVoc =
    "<?xml "
    "version='1.0'?><annotation><filename>x.jpg</filename><size><width>40</width><height>20</height></size>";

std::string object(const std::string& name, const std::string& box) {
  return "<object><name>" + name + "</name><part><name>head</name></part><difficult>1</difficult><bndbox>" +
         box + "</bndbox></object>";
}
constexpr const char* kBox = "<xmin>1</xmin><ymin>1</ymin><xmax>10</xmax><ymax>20</ymax>";

}  // namespace

TEST_CASE("yolo: boxes and outlines in pixels") {
  const data::Annotations read = read_yolo(kYaml, "1 0.5 0.5 0.25 0.5\n\n0 0 0 1 0 0.5 0.5\r\n");
  CHECK(read.classes == std::vector<std::string>{"cat", "the \"dog\""});
  REQUIRE(read.images.size() == 1);
  CHECK(read.images[0].path == "images/train/x.png");
  CHECK(read.images[0].split == "train");
  REQUIRE(read.images[0].boxes.size() == 2);
  CHECK(read.images[0].boxes[0] ==
        data::ObjectBox{.left = 15, .top = 5, .width = 10, .height = 10, .label = 1});
  CHECK(read.images[0].boxes[1].polygons[0] == std::vector<double>{0, 0, 40, 0, 20, 10});
  CHECK(read.images[0].boxes[1].height == 10);
  for (const char* names :
       {"names:\n  0: cat\n  1: the dog\n", "names:\n- cat\n- 'the dog'\n", "names: [\"cat\", the dog]\n"})
    CHECK(read_yolo(std::string("train: [images/train]\n") + names, "").classes ==
          std::vector<std::string>{"cat", "the dog"});
}

TEST_CASE("yolo: what is wrong is named") {
  const std::pair<const char*, const char*> labels[] = {
      {"2 0.5 0.5 0.1 0.1", "x.txt: line 1: class '2' is not one of 0 .. 1"},
      {"-1 0.5 0.5 0.1 0.1", "class '-1'"},
      {"0.5 0.5 0.5 0.1 0.1", "class '0.5'"},
      {"0 0.5 0.5 0.1 0.1\n0 1.5 0.5 0.1 0.1", "line 2: the coordinate 1.5 is outside of 0 .. 1"},
      {"0 nan 0.5 0.1 0.1", "'nan' is no number"},
      {"0 0.5 0.5 0 0.1", "has no area"},
      {"0 0 0 1 1", "outside of the picture"},
      {"0 0.5 0.5 0.1", "has 4 numbers"},
      {"0 0.5 0.5 0.1 0.1 0.1", "has 6 numbers"},
  };
  for (const auto& row : labels) CHECK(contains(error_of([&] { read_yolo(kYaml, row.first); }), row.second));
  const std::pair<const char*, const char*> files[] = {
      {"train: x\n", "data.yaml: has no 'names'"},
      {"names: cat\n", "line 1: 'names' is neither a list nor a map"},
      {"names:\n  1: cat\n", "line 2: class '1' of 'names' is not the number 0"},
      {"names: [a, a]\n", "the class 'a' comes twice"},
      {"names: [a\n", "does not end"},
      {"names: [a]\nnames: [b]\n", "line 2: the key 'names' comes twice"},
      {"names: &x [a]\n", "data.yaml: line 1"},
      {"names: [a]\ntrain: ../x\n", "leaves the folder"},
      {"names: [a]\ntrain: missing\n", "missing"},
      {"hello\n", "is neither 'key: value' nor '- item'"},
  };
  for (const auto& row : files) CHECK(contains(error_of([&] { read_yolo(row.first, ""); }), row.second));
}

TEST_CASE("voc: boxes are counted from 1") {
  const data::Annotations read =
      read_voc(kVoc + object("a &amp; b", kBox) + object("Z", kBox) + "</annotation>");
  CHECK(read.classes == std::vector<std::string>{"Z", "a & b"});
  REQUIRE(read.images.size() == 1);
  CHECK(read.images[0].path == "x.jpg");
  CHECK(read.images[0].boxes[0] ==
        data::ObjectBox{.left = 0, .top = 0, .width = 10, .height = 20, .label = 1, .difficult = true});
}

TEST_CASE("voc: what is wrong is named") {
  std::string bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\">";
  for (char c = 'b'; c < 'k'; ++c)
    bomb += std::string("<!ENTITY ") + c + " \"&" + char(c - 1) + ";&" + char(c - 1) + ";&" + char(c - 1) +
            ";\">";
  bomb += "]><annotation><filename>&j;</filename></annotation>";
  const std::pair<std::string, const char*> files[] = {
      {bomb, "x.xml: line 1: has a DOCTYPE, which is refused"},
      {"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><annotation/>", "DOCTYPE"},
      {"", "is not valid XML"},
      {kVoc, "is not valid XML"},
      {"<html></html>", "its XML is not an <annotation>"},
      {"<annotation></annotation>", "the path of the picture is empty"},
      {"<annotation><filename>../../x</filename></annotation>", "leaves the folder"},
      {kVoc + object("", kBox) + "</annotation>", "line 1: has no name"},
      {kVoc + "\n" + object("a", "<xmin>1</xmin>") + "</annotation>", "line 2: ymin is no number: ''"},
      {kVoc + object("a", "<xmin>nan</xmin><ymin>1</ymin><xmax>10</xmax><ymax>20</ymax>") + "</annotation>",
       "xmin is no number"},
      {kVoc + object("a", "<xmin>5</xmin><ymin>1</ymin><xmax>4</xmax><ymax>20</ymax>") + "</annotation>",
       "has no area"},
      {kVoc + object("a", "<xmin>5</xmin><ymin>1</ymin><xmax>99</xmax><ymax>20</ymax>") + "</annotation>",
       "outside"},
      {"<annotation>" + std::string(9000, 'x') + "<filename>" + std::string(9000, 'x') +
           "</filename></annotation>",
       "4096 bytes"},
      {[] {
         std::string deep;
         for (int i = 0; i < 100000; ++i) deep += "<annotation>";
         return deep;
       }(),
       "nested deeper"},
      {"<annotation><size><width>-4</width><height>1</height></size></annotation>", "is no size"},
  };
  for (const auto& file : files) {
    const std::string error = error_of([&] { read_voc(file.first); });
    CAPTURE(error);
    CHECK(contains(error, file.second));
    CHECK(error.size() < 400);
  }
}

TEST_CASE("boxes go through all formats") {
  const test::TemporaryFolder folder;
  data::Annotations made = {folder.path(), {"a's", "b: #1"}, {}};
  for (int i = 0; i < 3; ++i) {
    const std::string name = "x" + std::to_string(i) + ".png";
    folder.write(name, png(30, 70));
    made.images.push_back({.path = name, .width = 70, .height = 30, .split = i == 0 ? "val" : "train"});
    for (int k = 0; k < i; ++k)
      made.images.back().boxes.push_back(
          {.left = double(3 + k), .top = 5, .width = 13, .height = double(7 * i), .label = k});
  }
  data::write_voc(folder / "voc", made);
  data::Annotations voc = data::read_voc(folder / "voc", {.classes = made.classes});
  for (data::AnnotatedImage& image : voc.images) image.path = image.path.substr(11);  // JPEGImages/
  voc.folder = made.folder;
  CHECK(voc == made);
  data::write_yolo(folder / "yolo", voc);
  data::Annotations yolo = data::read_yolo(folder / "yolo/data.yaml");
  CHECK(yolo.classes == made.classes);
  REQUIRE(yolo.images.size() == 3);
  for (const data::AnnotatedImage& image : yolo.images) {
    const data::AnnotatedImage& other = made.images[size_t(image.path[8] - '0')];  // images/xN.png
    CHECK(image.split == other.split);
    REQUIRE(image.boxes.size() == other.boxes.size());
    for (size_t i = 0; i < image.boxes.size(); ++i) {
      CHECK(image.boxes[i].left == doctest::Approx(other.boxes[i].left).epsilon(1e-9));
      CHECK(image.boxes[i].height == doctest::Approx(other.boxes[i].height).epsilon(1e-9));
      CHECK(image.boxes[i].label == other.boxes[i].label);
    }
  }
  CHECK(std::filesystem::is_symlink(folder / "yolo/images/x1.png"));
}

TEST_CASE("elpv: labels.csv as it is published") {
  const test::TemporaryFolder folder(test::memory_folder());
  folder.write(
      "labels.csv",
      "images/cell0001.png  1.0                 mono\nimages/cell0002.png  0.3333333333333333  poly\n");
  const data::Annotations read = data::elpv(folder.path());
  CHECK(read.classes == std::vector<std::string>{"functional", "defective"});
  CHECK(read.images[0].labels[0] == 1);
  CHECK(read.images[1].labels[0] == 0);
  CHECK(read.images[1].slice == "poly");
  CHECK(data::elpv(folder.path(), {.threshold = 0.3}).images[1].labels[0] == 1);
  folder.write("labels.csv", "images/x.png  2  mono\n");
  CHECK(contains(error_of([&] { data::elpv(folder.path()); }), "labels.csv: line 1"));
}

}  // namespace kiln
