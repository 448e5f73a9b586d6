#include <doctest/doctest.h>

#include <ctime>

#include <kiln/autograd/ops.h>
#include <kiln/data/annotations/coco.h>

#include "data/annotations/sample.h"
#include "support/sanitizers.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;

data::Annotations read_text(const std::string& text, const data::AnnotationOptions& options = {}) {
  const test::TemporaryFolder folder(test::memory_folder());
  return data::read_coco(folder.write("i.json", text), {.reading = options});
}

std::string whole(const std::string& images, const std::string& annotations, const std::string& categories) {
  return "{\"info\":{\"a\":[{}]},\"annotations\":[" + annotations + "],\"images\":[" + images +
         "],\"categories\":[" + categories + "]}";
}

constexpr const char* kImage = R"({"id":7,"file_name":"x.jpg","width":20,"height":10})";
constexpr const char* kCategory = R"({"id":90,"name":"cat"})";

}  // namespace

TEST_CASE("coco: ids of any kind, parts in any order") {
  const data::Annotations read =
      read_text(whole(kImage, R"({"id":-5,"image_id":7,"category_id":90,"bbox":[1,2,3.5,4],"iscrowd":1,
                  "segmentation":{"size":[10,20],"counts":[0,3,197]}},
                 {"image_id":7,"category_id":3,"bbox":[0,0,20,10],"segmentation":[[1,1,2,2,3,1]]})",
                      R"({"id":90,"name":"cat","supercategory":"animal"},{"id":3,"name":"dog"})"));
  CHECK(read.classes == std::vector<std::string>{"cat", "dog"});
  REQUIRE(read.images.size() == 1);
  CHECK(read.images[0].width == 20);
  REQUIRE(read.images[0].boxes.size() == 2);
  CHECK(read.images[0].boxes[0].crowd);
  CHECK(read.images[0].boxes[0].mask.runs == std::vector<uint32_t>{0, 3, 197});
  CHECK(read.images[0].boxes[1].label == 1);
  CHECK(read.images[0].boxes[1].polygons == std::vector<std::vector<double>>{{1, 1, 2, 2, 3, 1}});
}

TEST_CASE("coco: boxes, flags and masks come back") {
  const test::TemporaryFolder folder;
  data::Annotations made = test::full_annotations(folder.path());
  for (data::AnnotatedImage& image : made.images) {
    image.labels.clear();
    image.split = image.group = image.slice = "";
    image.weight = 1;
    for (data::ObjectBox& box : image.boxes) box.difficult = false;
  }
  made.images[1].boxes[0].polygons.clear();
  data::write_coco(folder / "i.json", made);
  CHECK(data::read_coco(folder / "i.json") == made);
  made.images[0].width = 0;
  CHECK(contains(error_of([&] { data::write_coco(folder / "i.json", made); }), "read_sizes"));
}

TEST_CASE("coco: what is wrong is named") {
  const auto annotation = [](const std::string& more) { return whole(kImage, "{" + more + "}", kCategory); };
  const std::pair<std::string, const char*> files[] = {
      {"", "is not valid JSON"},
      {"[]", "its JSON is no object"},
      {"{\"images\":[]}", "no list 'categories'"},
      {whole("{\"id\":1}", "", ""), "image 0: has no 'file_name'"},
      {whole("{\"file_name\":\"x\"}", "", ""), "image 0: has no 'id'"},
      {whole(std::string(kImage) + "," + kImage, "", ""), "image 1: the id 7 comes twice"},
      {whole(R"({"id":1,"file_name":"../x"})", "", ""), "leaves the folder"},
      {whole(R"({"id":1,"file_name":"x","width":-3,"height":1})", "", ""), "'width' is no size"},
      {whole("", "", std::string(kCategory) + R"(,{"id":90,"name":"d"})"),
       "category 1: the id 90 comes twice"},
      {annotation(R"("category_id":90,"bbox":[1,1,1,1])"), "annotation 0: has no 'image_id'"},
      {annotation(R"("image_id":8,"category_id":90,"bbox":[1,1,1,1])"), "its image_id 8 is of no image"},
      {annotation(R"("image_id":7,"category_id":9,"bbox":[1,1,1,1])"), "its category_id 9 is of no category"},
      {annotation(R"("image_id":7,"category_id":90,"bbox":[1,1,-1,1])"),
       "the box -1 x 1 at (1, 1) has no area"},
      {annotation(R"("image_id":7,"category_id":90,"bbox":[1,1,1])"), "'bbox' has 3 numbers"},
      {annotation(R"("image_id":7,"category_id":90,"bbox":[1,1,1,NaN])"), "is not valid JSON"},
      {annotation(R"("image_id":7,"category_id":90,"bbox":[1,1,1,1e999])"), "is not valid JSON"},
      {annotation(R"("image_id":7,"category_id":90,"bbox":[1,1,100,1])"),
       "outside of the picture of 20 x 10"},
      {annotation(R"("image_id":7,"category_id":90,"bbox":[1,1,1,1],"segmentation":[[1]])"), "not pairs"},
      {annotation(
           R"("image_id":7,"category_id":90,"bbox":[1,1,1,1],"segmentation":{"size":[1,1],"counts":"\u00ff"}})"),
       "i.json"},
      {"{\"images\":" + std::string(1000000, '['), "nested deeper"},
      {whole(kImage, "{\"id\":" + std::string(100000, '[') + std::string(100000, ']') + "}", ""),
       "nested deeper"},
  };
  for (const auto& file : files) {
    const std::string error = error_of([&] { read_text(file.first); });
    CAPTURE(error);
    CHECK(contains(error, file.second));
    CHECK(contains(error, "/i.json"));
    CHECK(error.size() < 400);
  }
}

TEST_CASE("coco: masks as runs, text and pixels") {
  const Tensor mask = tensor({{0, 1, 1}, {0, 1, 0}}).to(uint8);
  const data::Rle runs = data::encode_rle(mask);
  CHECK(runs.runs == std::vector<uint32_t>{2, 3, 1});
  CHECK(equal(data::decode_rle(runs), mask));
  // Text that pycocotools gives: of the runs above, and of 6, 1, 40, 4, 5, 4, 5, 4, 21.
  CHECK(data::rle_to_text({6, 1, 40, 4, 5, 4, 5, 4, 21}) == "61X13mN000`0");
  CHECK(data::rle_from_text("61X13mN000`0") == std::vector<uint32_t>{6, 1, 40, 4, 5, 4, 5, 4, 21});
  CHECK(data::rle_from_text(data::rle_to_text({0, 4000000000, 7, 1, 4000000000})) ==
        std::vector<uint32_t>{0, 4000000000, 7, 1, 4000000000});
  for (const char* text : {"\x01", "o", "ooooooooooo", "L"})
    CHECK(contains(error_of([&] { data::rle_from_text(text); }), "rle_from_text"));
  CHECK(contains(error_of([] { data::decode_rle({2, 2, {1, 2}}); }), "the runs are 3 pixels"));
  CHECK(contains(error_of([] { data::decode_rle({1 << 30, 1 << 30, {4294967295}}); }), "pixels"));
}

namespace {

// The processor's seconds for reading so many annotations, ten to an image.
double seconds_to_read(int count) {
  std::string annotations, images;
  for (int i = 0; i < count; ++i) {
    annotations +=
        (i == 0 ? "" : ",") + std::string(R"({"id":)") + std::to_string(i) + R"(,"image_id":)" +
        std::to_string(i / 10) +
        R"(,"category_id":90,"bbox":[1.5,2.25,3.5,4.125],"area":14.4,"iscrowd":0,"segmentation":[[1,2,3,4,5,6]]})";
    if (i % 10 == 0)
      images += (i == 0 ? "" : ",") + std::string(R"({"id":)") + std::to_string(i / 10) +
                R"(,"file_name":"x)" + std::to_string(i) + R"(.jpg","width":20,"height":10})";
  }
  const std::string text = whole(images, annotations, kCategory);
  const std::clock_t begin = std::clock();
  const data::Annotations read = read_text(text);
  const double seconds = double(std::clock() - begin) / CLOCKS_PER_SEC;
  CHECK(int(read.images.size()) == count / 10);
  return seconds;
}

}  // namespace

// Ten times as many take about ten times as long, whatever a sanitizer makes of each.
TEST_CASE("coco: 100,000 annotations are no wait") {
  double few = seconds_to_read(10'000);
  for (int i = 0; i < 2; ++i) few = std::min(few, seconds_to_read(10'000));
  const double many = seconds_to_read(100'000);
  MESSAGE(few, " s for 10,000, ", many, " s for 100,000");
  CHECK(many < 25 * few);
  if (!test::kUnderAddressSanitizer && !test::kUnderThreadSanitizer) CHECK(many < 5);
}

}  // namespace kiln
