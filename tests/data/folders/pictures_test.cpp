#include <doctest/doctest.h>

#include <filesystem>

#include <kiln/autograd/ops.h>
#include <kiln/data/annotations/manifest.h>
#include <kiln/data/folders/packed.h>
#include <kiln/data/loader.h>
#include <kiln/image/encode.h>
#include <kiln/io/load.h>

#include "support/files.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;

// A picture that is `value` everywhere.
std::string png(int value, int64_t height = 4, int64_t width = 6) {
  return image::encode_png(full({3, height, width}, value, {.dtype = uint8}));
}

// Classes cat and dog with pictures of the values 0 .. 5, and what is passed over.
void write_folder(const test::TemporaryFolder& folder) {
  const char* const names[] = {"cat/b.png", "cat/sub/a.png", "cat/z.PNG",
                               "dog/1.png", "dog/10.png",    "dog/2.jpg"};
  for (int i = 0; i < 6; ++i) folder.write(names[i], png(10 * i));
  folder.write("cat/notes.txt", "no picture");
  folder.write("cat/.hidden.png", "no picture");
  folder.write(".git/x.png", "no picture");
  folder.write("readme.png", png(9));
}

int value_of(const data::Sample& sample) {
  return int(sample.tensors[0].select(0, 0).select(0, 0).select(0, 0).item<int64_t>());
}

}  // namespace

TEST_CASE("folders: classes and pictures in torchvision's order") {
  const test::TemporaryFolder folder;
  write_folder(folder);
  std::filesystem::create_directory_symlink(folder / "cat", folder / "dog/loop");
  std::filesystem::create_directory_symlink("..", folder / "dog/up");
  std::filesystem::remove(folder / "dog/loop");
  std::filesystem::remove(folder / "dog/up");
  const data::ImageFolder set(folder.path());
  CHECK(set.class_names() == std::vector<std::string>{"cat", "dog"});
  REQUIRE(set.size() == 6);
  const int expected[] = {0, 20, 10, 30, 40, 50};  // files before those of folders below
  for (int i = 0; i < 6; ++i) {
    CHECK(value_of(set.sample(i)) == expected[i]);
    CHECK(set.label(i) == i / 3);
    CHECK(set.sample(i).tensors[1].item<int64_t>() == i / 3);
  }
  CHECK(set.sample(0).texts[0] == folder / "cat/b.png");
  CHECK(set.sample(0).tensors[0].shape() == Shape{3, 4, 6});
}

TEST_CASE("folders: links are followed but not in circles; content may decide") {
  const test::TemporaryFolder folder;
  write_folder(folder);
  std::filesystem::create_directory_symlink(folder / "cat", folder / "again");
  std::filesystem::create_directory_symlink(folder / "cat", folder / "cat/sub/circle");
  folder.write("dog/picture", png(60));
  folder.write("dog/wrong.png", "no picture");
  const data::Annotations read = data::read_image_folder(folder.path(), {.by_content = true});
  CHECK(read.classes == std::vector<std::string>{"again", "cat", "dog"});
  CHECK(read.images.size() == 3 + 3 + 4);
  std::filesystem::create_directories(folder / "bird/nothing");
  CHECK(contains(error_of([&] { data::read_image_folder(folder.path()); }), "class 'bird'"));
  CHECK(data::read_image_folder(folder.path(), {.allow_empty = true}).classes.size() == 4);
  CHECK(contains(error_of([&] { data::ImageFolder(folder / "dog"); }), "no folder of a class"));
  CHECK(contains(error_of([&] { data::ImageFolder(folder / "none"); }), "none"));
}

TEST_CASE("folders: a picture that cannot be read is named, or its neighbour's sample is given") {
  const test::TemporaryFolder folder;
  write_folder(folder);
  folder.write("dog/10.png", png(1).substr(0, 40));
  folder.write("dog/2.jpg", "");
  const data::ImageFolder strict(folder.path());
  CHECK(contains(error_of([&] { strict.sample(4); }), folder / "dog/10.png"));
  const data::ImageFolder set(folder.path(), {.pictures = {.skip_bad = 2}});
  CHECK(value_of(set.sample(4)) == 0);  // the last two are bad: the first is next
  CHECK(set.sample(4).tensors[1].item<int64_t>() == 0);
  CHECK(value_of(set.sample(5)) == 0);
  CHECK(set.bad() == std::vector<int64_t>{4, 5});
  const data::ImageFolder fewer(folder.path(), {.pictures = {.skip_bad = 1}});
  CHECK(contains(error_of([&] { fewer.sample(4); }), "more than 1 pictures cannot be read"));
  // The same batches by any number of workers.
  std::vector<int64_t> batches[2];
  for (const int workers : {0, 3})
    for (const auto& [images, labels] :
         data::DataLoader(set, {.batch_size = 2, .shuffle = true, .workers = workers}).epoch(0))
      for (const int64_t x : images.to(int64).sum({1, 2, 3}).to_vector<int64_t>())
        batches[workers > 0].push_back(x);
  CHECK(batches[0] == batches[1]);
}

TEST_CASE("folders: a cache keeps what fits") {
  const test::TemporaryFolder folder;
  write_folder(folder);
  const data::ImageFolder set(folder.path(), {.pictures = {.cache_bytes = 2 * 3 * 4 * 6}});
  for (int i = 0; i < 3; ++i) set.sample(i);
  for (const auto& entry : {"cat/b.png", "cat/z.PNG", "cat/sub/a.png"})
    std::filesystem::remove(folder / entry);
  CHECK(value_of(set.sample(0)) == 0);
  CHECK(value_of(set.sample(1)) == 20);
  CHECK(contains(error_of([&] { set.sample(2); }), "a.png"));
}

TEST_CASE("folders: boxes and several labels as targets") {
  const test::TemporaryFolder folder;
  folder.write("x.png", png(5, 20, 40));
  const data::Annotations annotations = {
      folder.path(),
      {"a", "b", "c"},
      {{.path = "x.png", .width = 40, .height = 20, .labels = {0, 2}, .boxes = {{4, 2, 8, 6, 1}}}}};
  CHECK(contains(error_of([&] { data::Pictures set(annotations); }), "2 labels, one is needed"));
  const data::Sample hot = data::Pictures(annotations, {.target = data::PictureTarget::labels}).sample(0);
  CHECK(hot.tensors[1].to_vector<float>() == std::vector<float>{1, 0, 1});
  const data::Sample boxes =
      data::Pictures(annotations, {.target = data::PictureTarget::boxes, .shorter_side = 10}).sample(0);
  CHECK(boxes.tensors[0].shape() == Shape{3, 10, 20});
  CHECK(boxes.tensors[1].to_vector<float>() == std::vector<float>{2, 1, 6, 4});
  CHECK(boxes.tensors[2].to_vector<int64_t>() == std::vector<int64_t>{1});
  data::Annotations wrong = annotations;
  wrong.images[0].boxes[0].label = 3;
  CHECK(contains(error_of([&] { data::Pictures set(wrong, {.target = data::PictureTarget::none}); }),
                 "the label 3 of 3"));
}

TEST_CASE("packed pictures: the samples of the pictures themselves") {
  const test::TemporaryFolder folder;
  write_folder(folder);
  folder.write("dog/2.jpg", png(50, 9, 5));
  data::Annotations annotations = data::read_image_folder(folder.path());
  annotations.images[5].split = "val";
  const data::Pictures plain(annotations);
  for (const bool encoded : {false, true}) {
    data::pack(annotations, folder / "packed.kiln", {.encoded = encoded});
    const data::PackedPictures packed(folder / "packed.kiln");
    REQUIRE(packed.size() == 6);
    CHECK(packed.class_names() == plain.class_names());
    CHECK(packed.split("val") == std::vector<int64_t>{5});
    for (int64_t i = 0; i < 6; ++i) {
      CHECK(equal(packed.sample(i).tensors[0], plain.sample(i).tensors[0]));
      CHECK(equal(packed.sample(i).tensors[1], plain.sample(i).tensors[1]));
      CHECK(packed.label(i) == plain.label(i));
    }
    // A turned bit in a picture, and a file that is cut off.
    std::string bytes = test::read_file(folder / "packed.kiln");
    const std::string needle = encoded ? png(40) : std::string(72, char(40));
    bytes[bytes.find(needle) + 30] ^= 1;
    test::write_file(folder / "turned.kiln", bytes);
    const data::PackedPictures turned(folder / "turned.kiln");
    CHECK(contains(error_of([&] { turned.sample(4); }), "picture 4 ('dog/10.png') is damaged"));
    CHECK(error_of([&] { turned.sample(3); }) == "");
    test::write_file(folder / "cut.kiln", bytes.substr(0, bytes.size() / 2));
    CHECK(error_of([&] { data::PackedPictures cut(folder / "cut.kiln"); }) != "");
  }
  CHECK(!std::filesystem::exists(folder / "packed.kiln.packing"));
}

TEST_CASE("packed pictures: annotations of a packed file are pictures like others, whole and in part") {
  const test::TemporaryFolder folder;
  write_folder(folder);
  data::Annotations annotations = data::read_image_folder(folder.path());
  for (size_t i = 0; i < annotations.images.size(); ++i) annotations.images[i].split = i % 2 == 0 ? "a" : "b";
  data::pack(annotations, folder / "packed.kiln");
  const data::Annotations packed = data::PackedPictures(folder / "packed.kiln").annotations();
  CHECK(packed.packed == folder / "packed.kiln");
  data::write_manifest(folder / "list.jsonl", packed);
  CHECK(contains(test::read_file(folder / "list.jsonl"), "\"packed\":\"packed.kiln\"}"));
  CHECK(contains(error_of([&] { data::write_manifest(folder / "list.csv", packed); }), "write a .jsonl"));
  CHECK(contains(error_of([&] { data::pack(packed, folder / "again.kiln"); }), "packed already"));
  data::Annotations read = data::read_manifest(folder / "list.jsonl");
  const data::Pictures part(read.of_split("b")), plain(annotations.of_split("b"));
  REQUIRE(part.size() == 3);
  for (int64_t i = 0; i < part.size(); ++i) {
    CHECK(equal(part.sample(i).tensors[0], plain.sample(i).tensors[0]));
    CHECK(equal(part.sample(i).tensors[1], plain.sample(i).tensors[1]));
  }
  CHECK(part.sample(0).texts == std::vector<std::string>{read.images[1].path});
  read.images[0].path = "cat/none.png";
  CHECK(error_of([&] { data::Pictures set(read); }) ==
        "Pictures: " + read.packed + " holds no picture 'cat/none.png'");
  // From elsewhere only where that is allowed.
  folder.write("below/list.jsonl", R"({"classes":["cat"],"packed":"../packed.kiln"})");
  CHECK(contains(error_of([&] { data::read_manifest(folder / "below/list.jsonl"); }), "line 1: "));
}

TEST_CASE("packed pictures: resized and cut, with their boxes; what does not fit is refused") {
  const test::TemporaryFolder folder;
  folder.write("x.png", png(5, 20, 40));
  const data::Annotations annotations = {
      folder.path(),
      {"a"},
      {{.path = "x.png", .width = 40, .height = 20, .boxes = {{4, 2, 36, 6, 0}, {0, 0, 4, 4, 0}}}}};
  data::pack(annotations, folder / "p.kiln", {.shorter_side = 10, .crop = 10});
  const data::PackedPictures packed(folder / "p.kiln", {.target = data::PictureTarget::boxes});
  const data::Sample sample = packed.sample(0);
  CHECK(sample.tensors[0].shape() == Shape{3, 10, 10});
  CHECK(sample.tensors[1].to_vector<float>() == std::vector<float>{0, 1, 10, 4});
  CHECK(sample.tensors[2].numel() == 1);
  CHECK(error_of([&] { data::pack(annotations, folder / "q", {.encoded = true, .crop = 3}); }) != "");
  Value file = io::load(folder / "p.kiln");
  const auto refused = [&](const char* key, const Value& value) {
    Value changed = file;
    changed[key] = value;
    io::save(folder / "bad.kiln", changed);
    return error_of(
        [&] { data::PackedPictures set(folder / "bad.kiln", {.target = data::PictureTarget::none}); });
  };
  CHECK(contains(refused("offsets", tensor({int64_t(0), int64_t(400)})), "do not fit"));
  CHECK(contains(refused("offsets", tensor({int64_t(-300), int64_t(300)})), "do not fit"));
  CHECK(contains(refused("shapes", tensor({{int64_t(3), int64_t(100), int64_t(2)}})), "damaged"));
  CHECK(contains(refused("shapes", tensor({{int64_t(1) << 62, int64_t(1) << 62, int64_t(1)}})), "damaged"));
  CHECK(contains(refused("manifest", zeros({4}, {.dtype = uint8})), "manifest"));
  CHECK(contains(refused("kind", "other"), "is no file of packed pictures"));
  CHECK(contains(refused("bytes", 3), "'bytes' is no tensor"));
}

}  // namespace kiln
