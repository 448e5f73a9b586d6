#include <doctest/doctest.h>
#include <support/check_op.h>

using namespace kiln;
using test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;
  int64_t groups;
};

Tensor naive(const Tensors& in, const Row& row) {
  const Tensor x = in[0].contiguous();
  const int64_t channels = x.size(1), each = channels / row.groups,
                inner = x.numel() / (x.size(0) * channels);
  const std::vector<double> from = x.to_vector<double>();
  std::vector<double> to(from.size());
  for (int64_t n = 0; n < x.size(0); ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < inner; ++i)
        to[size_t((n * channels + c) * inner + i)] =
            from[size_t((n * channels + c % row.groups * each + c / row.groups) * inner + i)];
  return from_values(to, x.shape());
}

}  // namespace

TEST_CASE("channel_shuffle") {
  check_op<Row>({
      .name = "channel_shuffle",
      .op = [](const Tensors& in, const Row& row) { return channel_shuffle(in[0], row.groups); },
      .reference = naive,
      .rows = {{{{2, 6, 3, 2}}, 3}, {{{2, 6, 3, 2}}, 2}, {{{1, 4, 5}}, 4}, {{{2, 4, 3, 3}}, 1}},
  });
  test::expect_error("channel_shuffle: groups must divide the channels, got 4", [] {
    channel_shuffle(ones({2, 6, 3, 2}), 4);
  });
  test::expect_error("channel_shuffle: x must be [N,C,...]", [] { channel_shuffle(ones({2, 6}), 2); });
  const Tensor images = randn({2, 4, 3, 3}).contiguous(MemoryFormat::channels_last);
  CHECK(channel_shuffle(images, 2).strides() == images.strides());
}
