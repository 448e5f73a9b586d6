#include <doctest/doctest.h>

#include <fmt/format.h>

#include <sstream>

#include <kiln/autograd/ops.h>
#include <kiln/image/decode.h>
#include <kiln/io/bytes/crc32.h>

#include "support/files.h"

namespace kiln {

// make_fixtures.py wrote down what Pillow sees.
TEST_CASE("decode: pictures of Pillow") {
  std::istringstream lines(test::read_file("tests/image/fixtures/expected.txt"));
  int checked = 0;
  for (std::string file, mode, expected; lines >> file >> mode >> expected; ++checked) {
    CAPTURE(file);
    CAPTURE(mode);
    const Tensor picture =
        image::read("tests/image/fixtures/" + file, {.mode = mode == "rgb"    ? image::Mode::rgb
                                                             : mode == "rgba" ? image::Mode::rgba
                                                                              : image::Mode::grey});
    const Tensor dense = picture.contiguous();
    CHECK(fmt::format("{:08x}", io::crc32(dense.raw_data(), size_t(dense.nbytes()), 0)) == expected);
  }
  CHECK(checked == 81);
}

}  // namespace kiln
