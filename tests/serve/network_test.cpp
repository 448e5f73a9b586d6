#include <doctest/doctest.h>

#include <kiln/autograd/ops.h>
#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/io/bytes/json.h>
#include <kiln/models/models.h>
#include <kiln/models/whole_file.h>
#include <kiln/nn/init.h>
#include <kiln/project/classifier.h>
#include <kiln/project/train.h>
#include <kiln/serve/network.h>
#include <kiln/tensor/fmt.h>

#include "image/made_files.h"
#include "serve/support/toy.h"
#include "support/client.h"
#include "support/files.h"

// Real networks behind the server.

namespace kiln {
namespace {

using test::body_of;
using test::contains;
using test::post;
using test::status_of;

const std::string kJpeg = "Content-Type: image/jpeg\r\n", kPng = "Content-Type: image/png\r\n";

// Writes a LeNet of two classes, for grey pictures of 28 pixels a side.
std::string lenet_in(const test::TemporaryFolder& folder) {
  manual_seed(1);
  models::Model net = models::create("lenet", {.num_classes = 2});
  net.card.class_names = {"bar", "disc"};
  models::save(net, folder / "lenet.kiln");
  return folder / "lenet.kiln";
}

Value json_of(const std::string& answer) { return io::parse_json(body_of(answer), "answer", 16); }

// White on black: a bar, or a disc, somewhere; grey like Fashion-MNIST's pictures.
Tensor shape_on_black(bool is_disc, int64_t seed) {
  const Tensor picture = zeros({1, 28, 28}, {.dtype = uint8, .device = cpu});
  const int64_t top = 6 + seed % 5, left = 6 + seed * 7 % 5;
  for (int64_t y = 0; y < 28; ++y)
    for (int64_t x = 0; x < 28; ++x) {
      const int64_t dy = y - top - 6, dx = x - left - 6;
      const bool is_white = is_disc ? dx * dx + dy * dy < 36 : dx * dx < 4 && dy * dy < 64;
      picture.data<uint8_t>()[28 * y + x] = is_white ? uint8_t(200 + seed) : uint8_t(seed % 9);
    }
  return picture;
}

}  // namespace

TEST_CASE("network: a batch of any size is run in pieces of few sizes") {
  const test::TemporaryFolder folder(test::memory_folder());
  const std::string file = lenet_in(folder);
  const auto engine = serve::load_network(file);
  CHECK(engine->batch_sizes(32) == std::vector<int64_t>{8, 4, 2, 1});
  CHECK(engine->batch_sizes(7) == std::vector<int64_t>{4, 2, 1});
  CHECK(engine->batch_sizes(1) == std::vector<int64_t>{1});
  serve::self_test(*engine, 32);

  const project::Classifier classifier(file);
  for (const int64_t rows : {0, 1, 3, 8, 21}) {
    const Tensor x = randn({rows, 1, 28, 28}, {.device = cpu});
    const Tensor scores = engine->run(x), whole = classifier.scores(x);
    REQUIRE(scores.shape() == whole.shape());
    CHECK(allclose(scores, whole, 1e-5, 1e-6));
  }
}

TEST_CASE("network: one of one channel answers for colour and grey pictures as the classifier does") {
  const test::TemporaryFolder folder(test::memory_folder());
  const std::string file = lenet_in(folder);
  const auto network = serve::load_network(file, {.name = "lenet"});
  CHECK(network->info().input == Shape{1, 28, 28});
  CHECK(contains(network->info().preset, "grey, the shorter side to 28 pixels"));
  const project::Classifier classifier(file);
  serve::Service service({});
  service.serve(network);
  serve::Server server({}, [&](serve::Request request, const serve::Reply& reply) {
    service.handle(std::move(request), reply);
  });
  for (const int64_t channels : {1, 3}) {
    const Tensor picture = test::some_picture(channels, 50, 70);
    const std::string bytes = image::encode_jpeg(picture);
    const std::vector<project::Guess> expected = classifier.predict(image::decode(bytes));
    const Value answer = json_of(test::ask(server.port(), post("/predict?heat=1", bytes, kJpeg)));
    CHECK(answer.at("top/0/name") == Value(expected[0].name));
    CHECK(answer.at("top/0/probability").as_float() == doctest::Approx(expected[0].probability));
    CHECK(answer.at("heat_map").size() > 1);
  }
  CHECK(classifier.explain(test::some_picture(3, 50, 70), 0).shape() == Shape{3, 28, 28});
}

TEST_CASE("network: what kiln train makes of grey pictures is served and predicts") {
  const test::TemporaryFolder folder(test::memory_folder());
  for (int64_t i = 0; i < 24; ++i)
    for (const bool is_disc : {false, true})
      folder.write(fmt::format("set/{}/{:02}.png", is_disc ? "disc" : "bar", i),
                   image::encode_png(shape_on_black(is_disc, i)));
  for (const char* augment : {"none", "crop,jitter,trivial"}) {
    project::TrainOptions options = {.data = folder / "set", .out = folder / augment, .model = "lenet"};
    options.augment = augment;
    options.recipe = {.epochs = 8, .batch_size = 8, .lr = 0.003};
    options.device = "cpu";
    const project::FitResult result = project::train(options);
    CHECK_MESSAGE(result.best >= 0.7, augment);
    const std::string file = options.out + "/best.kiln";
    const project::Classifier classifier(file);
    const auto network = serve::load_network(file);
    const std::string picture = image::encode_png(shape_on_black(true, 30));
    const Tensor x = network->prepare(picture);
    CHECK(equal(x, classifier.prepare(image::decode(picture))));
    CHECK(equal(network->run(x.unsqueeze(0)), classifier.scores(x.unsqueeze(0))));
    CHECK(classifier.predict(image::decode(picture))[0].name == "disc");
  }
}

// Gigapixels and scans without end by their headers, and all that is no PNG or JPEG.
TEST_CASE("network: hostile pictures are told 422, without a path") {
  const test::TemporaryFolder folder(test::memory_folder());
  serve::Service service({});
  service.serve(serve::load_network(lenet_in(folder)));
  serve::Server server({}, [&](serve::Request request, const serve::Reply& reply) {
    service.handle(std::move(request), reply);
  });
  const std::string good = image::encode_png(test::some_picture(3, 20, 20));
  const std::string jpeg = image::encode_jpeg(test::some_picture(3, 200, 200));
  const std::pair<const char*, std::string> kBad[] = {
      {"max_pixels", test::made_png(65000, 65000, 8, 2, "x")},
      {"max_pixels", test::made_png(2147483647, 2147483647, 8, 2, "x")},
      {"more than 100 scans", test::jpeg_of_scans(10'000)},
      {"cut off", jpeg.substr(0, jpeg.size() / 2)},
      {"the picture cannot be read", good.substr(0, good.size() / 2)},
      {"the picture cannot be read", good.substr(0, 20)},
      {"the picture cannot be read", test::made_gif(3, 3, "")},
      {"the picture cannot be read", "II*\0\x08\0\0\0TIFF"},
      {"the picture cannot be read", "<svg onload='x'/>"},
      {"the picture cannot be read", ""},
  };
  for (const auto& [why, bytes] : kBad) {
    const std::string answer = test::ask(server.port(), post("/predict", bytes, kPng));
    CHECK(status_of(answer) == 422);
    CHECK_MESSAGE(contains(answer, why), answer);
    CHECK(!contains(body_of(answer), "/"));
  }
  CHECK(status_of(test::ask(server.port(), post("/predict", good, kPng))) == 200);
}

}  // namespace kiln
