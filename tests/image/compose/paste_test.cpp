#include <kiln/image/compose/paste.h>
#include <kiln/kiln.h>

#include "image/pictures.h"
#include "support/files.h"

// Values beside Pillow's are in tests/oracle/pictures.py.

using namespace kiln;
using namespace kiln::test;

TEST_CASE("paste: where a picture lands, at every edge") {
  const Tensor ground = interleaved(noise({3, 7, 8}, 1)), picture = noise({3, 3, 4}, 2);
  for (const int64_t top : {-4, -1, 0, 3, 6, 7, 90})
    for (const int64_t left : {-5, -1, 0, 2, 7, 8}) {
      Tensor expected = ground.contiguous().clone();
      const int64_t y0 = std::max<int64_t>(top, 0), y1 = std::min<int64_t>(top + 3, 7);
      const int64_t x0 = std::max<int64_t>(left, 0), x1 = std::min<int64_t>(left + 4, 8);
      if (y1 > y0 && x1 > x0)
        expected.slice(1, y0, y1).slice(2, x0, x1).copy_(
            picture.slice(1, y0 - top, y1 - top).slice(2, x0 - left, x1 - left));
      CHECK(same(image::paste(ground, picture, {top, left}), expected));
    }
  const Tensor none = zeros({3, 4}).to(DType::uint8), all = full({1, 3, 4}, 255).to(DType::uint8);
  CHECK(same(image::paste(ground, picture, {1, 1, none}), ground));
  CHECK(same(image::paste(ground, picture, {1, 1, all}), image::paste(ground, picture, {1, 1})));
  CHECK(same(image::paste(noise({3, 0, 4}), picture), noise({3, 0, 4})));
  CHECK(same(image::paste(ground, noise({3, 0, 0})), ground));
  CHECK(same(image::paste(ground, picture, {INT64_MAX, INT64_MIN}), ground));
}

TEST_CASE("paste and alpha_composite: errors") {
  const Tensor ground = noise({3, 7, 8});
  CHECK(contains(error_of([&] {
                   image::paste(ground, noise({1, 2, 2}));
                 }),
                 "the background has 3 channels, the picture 1; it needs 3, or one more as its mask"));
  CHECK(contains(error_of([&] {
                   image::paste(ground, ground, {0, 0, noise({7, 7})});
                 }),
                 "the mask must be uint8 [7,8] on the CPU as the picture is large, got uint8 [7,7]"));
  CHECK(contains(error_of([&] { image::paste(ground, {}); }), "an undefined tensor"));
  CHECK(
      contains(error_of([&] { image::paste(ground.to(DType::float32), ground); }), "needs a uint8 picture"));
  CHECK(contains(error_of([&] { image::alpha_composite(ground, ground); }), "needs two RGBA pictures"));
  CHECK(contains(error_of([&] {
                   image::alpha_composite(noise({4, 2, 2}), noise({4, 2, 3}));
                 }),
                 "of one size"));
}
