#include <limits>

#include <kiln/image/colour/blur.h>
#include <kiln/image/colour/colour.h>
#include <kiln/kiln.h>

#include "image/pictures.h"
#include "support/files.h"

// Values beside Pillow's and torchvision's are in tests/oracle/pictures.py.

using namespace kiln;
using namespace kiln::test;

namespace {

using Operation = Tensor (*)(const Tensor&);

const Operation kOperations[] = {
    [](const Tensor& x) { return image::adjust_brightness(x, 1.5); },
    [](const Tensor& x) { return image::adjust_contrast(x, 0.4); },
    [](const Tensor& x) { return image::adjust_saturation(x, 3); },
    [](const Tensor& x) { return image::adjust_sharpness(x, 2); },
    [](const Tensor& x) { return image::adjust_hue(x, 0.2); },
    [](const Tensor& x) { return image::adjust_gamma(x, 0.5); },
    [](const Tensor& x) { return image::invert(x); },
    [](const Tensor& x) { return image::solarize(x, 100); },
    [](const Tensor& x) { return image::posterize(x, 3); },
    [](const Tensor& x) { return image::autocontrast(x); },
    [](const Tensor& x) { return image::equalize(x); },
};

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("colours: strides change nothing, alpha stays, empty pictures stay empty") {
  for (const Operation f : kOperations) {
    for (const int64_t channels : {1, 2, 3, 4}) {
      const Tensor x = noise({channels, 9, 11});
      CHECK(same(f(interleaved(x)), f(x)));
      CHECK(f(x).shape() == x.shape());
      if (channels % 2 == 0) CHECK(same(f(x)[-1], x[-1]));
      // What alpha is changes no colour.
      if (channels == 4) CHECK(same(f(x).narrow(0, 0, 3), f(x.narrow(0, 0, 3))));
      for (const Shape& shape : {Shape{channels, 0, 4}, Shape{channels, 4, 0}, Shape{channels, 1, 1}})
        CHECK(f(noise(shape)).shape() == shape);
    }
    for (const int64_t channels : {0, 5})
      CHECK(contains(error_of([&] { f(noise({channels, 2, 2})); }), "needs a grey or RGB picture"));
    CHECK(contains(error_of([&] { f({}); }), "needs a picture [channels,height,width]"));
    CHECK(contains(error_of([&] { f(noise({3, 2, 2}).to(DType::int32)); }), "picture, got int32"));
  }
}

TEST_CASE("a picture given is never written to") {
  for (const Operation f : kOperations) {
    const Tensor x = noise({3, 5, 5}), before = x.clone();
    f(x);
    CHECK(same(x, before));
  }
}

TEST_CASE("blur keeps what is constant, and the sum of a point") {
  CHECK(same(image::gaussian_blur(full({3, 5, 4}, 77).to(DType::uint8), {3, 9}),
             full({3, 5, 4}, 77).to(DType::uint8)));
  Tensor point = zeros({1, 11, 11});
  point[0][5][5] = 1;
  const Tensor blurred = image::gaussian_blur(point, {5, 7}, {.sigma_x = 1.2, .sigma_y = 0.7});
  CHECK(blurred.sum().item<double>() == doctest::Approx(1));
  CHECK(blurred.sum(Dims{0, 2}).to_vector<float>()[2] == 0);
  CHECK(same(blurred, blurred.flip({1, 2})));
  const Tensor x = noise({3, 8, 9});
  CHECK(same(image::gaussian_blur(interleaved(x), 3), image::gaussian_blur(x, 3)));
  CHECK(image::gaussian_blur(noise({3, 1, 1}), 9).shape() == Shape{3, 1, 1});
  CHECK(image::gaussian_blur(noise({3, 0, 2}), 9).shape() == Shape{3, 0, 2});
}

TEST_CASE("erase writes a window, cut at the edges") {
  const Tensor x = interleaved(noise({3, 6, 5}));
  Tensor expected = x.contiguous().clone();
  expected.slice(1, 4).slice(2, 0, 2).fill_(9);
  CHECK(same(image::erase(x, {4, -3, 100, 5}, {9}), expected));
  CHECK(same(image::erase(x, {9, 9, 2, 2}, {9}), x));
  CHECK(image::erase(x.to(DType::float32), {0, 0, 1, 1}, {1, 2, 0.5f}).to_vector<float>()[60] == 0.5f);
  CHECK(contains(error_of([&] {
                   image::erase(x, {0, 0, 1, 1}, {300});
                 }),
                 "300 is no value of a byte picture"));
}

TEST_CASE("colours: errors") {
  const Tensor x = noise({3, 4, 5});
  for (const double factor : {-1.0, kNaN, std::numeric_limits<double>::infinity()}) {
    CHECK(contains(error_of([&] { image::adjust_brightness(x, factor); }), "adjust_brightness: the factor"));
    CHECK(contains(error_of([&] { image::adjust_sharpness(x, factor); }), "adjust_sharpness: the factor"));
  }
  for (const double turn : {-0.51, 0.51, kNaN})
    CHECK(contains(error_of([&] { image::adjust_hue(x, turn); }), "must be in -0.5 .. 0.5"));
  for (const int bits : {-1, 9})
    CHECK(contains(error_of([&] { image::posterize(x, bits); }), "keeps 0 .. 8 bits"));
  CHECK(contains(error_of([&] { image::solarize(x, kNaN); }), "not a number"));
  CHECK(contains(error_of([&] { image::to_grayscale(x, 2); }), "gives 1 or 3 channels, not 2"));
  CHECK(contains(error_of([&] { image::equalize(x.to(DType::float32)); }),
                 "needs a uint8 picture, got float32"));
  for (const int64_t size : {int64_t(0), int64_t(2), int64_t(-3), INT64_MAX})
    CHECK(contains(error_of([&] { image::gaussian_blur(x, size); }), "must be odd"));
  CHECK(contains(error_of([&] { image::gaussian_blur(x, 3, {.sigma_x = -1}); }), "sigma_x must be positive"));
}
