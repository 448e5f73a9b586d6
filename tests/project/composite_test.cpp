#include <doctest/doctest.h>

#include <filesystem>

#include <kiln/image/decode.h>
#include <kiln/project/check/check.h>
#include <kiln/project/composite.h>
#include <kiln/project/open_data.h>
#include <project/few_pictures.h>

using namespace kiln;
using test::contains;
using test::error_of;
using test::read_file;
using test::TemporaryFolder;

namespace {

// One colour, opaque but for a clear margin of 2 pixels.
Tensor cutout(int red, int green, int64_t height, int64_t width) {
  const Tensor x = zeros({4, height, width}, {.dtype = uint8});
  const auto middle = [&](int64_t channel) {
    return x[channel].narrow(0, 2, height - 4).narrow(1, 2, width - 4);
  };
  middle(0).fill_(red);
  middle(1).fill_(green);
  middle(3).fill_(255);
  return x;
}

project::CompositeOptions options_of(const TemporaryFolder& folder) {
  folder.write("cut/red/a.png", image::encode_png(cutout(200, 0, 24, 24)));
  folder.write("cut/green/a.png", image::encode_png(cutout(0, 200, 24, 24)));
  for (int i = 0; i < 3; ++i)
    folder.write(fmt::format("rooms/{}/x.png", i),
                 image::encode_png(test::noise_around(20, 20, 180, i, 60 + 10 * i)));
  project::CompositeOptions options = {
      .objects = folder / "cut", .backgrounds = folder / "rooms", .out = folder / "out", .count = 12};
  options.most = 2;
  options.strew.degrees = 30;
  return options;
}

// Of a picture [3,H,W], at the middle of a box: which of red, green and blue is the most.
int64_t colour_at(const Tensor& picture, const data::ObjectBox& box) {
  const auto x = int64_t(box.left + box.width / 2), y = int64_t(box.top + box.height / 2);
  return argmax(picture.select(2, x).select(1, y).to(int64), 0).item<int64_t>();
}

}  // namespace

TEST_CASE("composite: pictures with boxes around what is seen, as a set that opens") {
  const TemporaryFolder folder;
  project::CompositeOptions options = options_of(folder);
  const data::Annotations made = project::composite(options);
  const data::Annotations set = project::open_data(folder / "out");
  CHECK(set == made);
  CHECK(set.classes == std::vector<std::string>{"green", "red"});
  REQUIRE(set.images.size() == 12);
  size_t twos = 0;
  for (const data::AnnotatedImage& image : set.images) {
    const Tensor picture = image::read(set.path_of(image));
    CHECK(picture.shape() == Shape{3, image.height, image.width});
    CHECK(contains(image.group, "/x.png"));
    twos += image.boxes.size() == 2;
    CHECK(image.labels.size() <= image.boxes.size());
    // One that lies below another may have its middle covered.
    if (image.boxes.size() == 1) {
      CHECK(image.labels == std::vector<int64_t>{image.boxes[0].label});
      CHECK(colour_at(picture, image.boxes[0]) == 1 - image.boxes[0].label);
      // What lies beside the box is the background.
      const auto& box = image.boxes[0];
      if (box.left >= 4) CHECK(picture[2].narrow(1, 0, int64_t(box.left) - 1).min().item<int64_t>() > 60);
    }
  }
  CHECK(twos > 0);
  CHECK(project::check_data(set, {.similar = false}).count(project::Finding::Level::error) == 0);
}

TEST_CASE("composite: a function of the seed, whatever the threads") {
  const TemporaryFolder folder;
  project::CompositeOptions options = options_of(folder);
  options.masks = true;
  options.threads = 1;
  const data::Annotations first = project::composite(options);
  CHECK(!first.images[0].boxes[0].mask.runs.empty());
  options.out = folder / "again";
  options.threads = 3;
  CHECK(project::composite(options).images == first.images);
  for (const data::AnnotatedImage& image : first.images)
    CHECK(read_file(folder / ("again/" + image.path)) == read_file(folder / ("out/" + image.path)));
  options.out = folder / "other";
  options.seed = 1;
  CHECK(project::composite(options).images != first.images);
}

TEST_CASE("composite: scales are of the background's shorter side") {
  const TemporaryFolder folder;
  folder.write("cut/red/a.png", image::encode_png(full({4, 10, 20}, 255, {.dtype = uint8})));
  folder.write("rooms/x.png", image::encode_png(zeros({3, 40, 60}, {.dtype = uint8})));
  project::CompositeOptions options = {
      .objects = folder / "cut", .backgrounds = folder / "rooms", .out = folder / "out", .count = 1};
  options.strew.x = options.strew.y = {0.5, 0.5};
  options.strew.scale = {0.5, 0.5};
  const data::ObjectBox box = project::composite(options).images[0].boxes[0];
  CHECK(box.width == 20);
  CHECK(box.height == 10);
  CHECK(box.left == 20);
  CHECK(box.top == 15);
  options.out = folder / "square";
  options.size = 32;
  const data::Annotations square = project::composite(options);
  CHECK(square.images[0].width == 32);
  CHECK(square.images[0].height == 32);
  CHECK(square.images[0].boxes[0].width == 16);
}

TEST_CASE("composite: what cannot be made is refused by name") {
  const TemporaryFolder folder;
  const project::CompositeOptions good = options_of(folder);
  const auto error = [&](auto change) {
    project::CompositeOptions options = good;
    change(options);
    return error_of([&] { project::composite(options); });
  };
  CHECK(contains(error([](auto& o) { o.most = 0; }), "of 1 to 0 objects"));
  CHECK(contains(error([](auto& o) { o.backgrounds = "nowhere"; }), "nowhere: No such file"));
  CHECK(contains(error([&](auto& o) { o.backgrounds = folder / "cut/none"; }), "cut/none"));
  CHECK(contains(error([](auto& o) { o.strew.x = {9, 9}; }), "no object is seen in 20 draws"));
  folder.write("cut/red/b.jpg", image::encode_jpeg(test::noise_around(1, 1, 1, 1)));
  CHECK(contains(error([](auto& o) { o.count = 40; }), "cut/red/b.jpg has no alpha channel"));
  CHECK(!std::filesystem::exists(folder / "out/manifest.jsonl"));
  folder.write("out/manifest.jsonl", "");
  CHECK(contains(error([](auto&) {}), "has a manifest.jsonl already"));
}
