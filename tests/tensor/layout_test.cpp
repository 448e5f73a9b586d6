#include <doctest/doctest.h>

#include <support/check_op.h>

using namespace kiln;
using test::expect_error;

TEST_CASE("a reshape needs no copy exactly where strides allow") {
  struct Row {
    Layout from;
    Shape to;
    bool possible;
    Strides strides;
  };
  const Layout dense = Layout::contiguous({4, 3, 2});
  const std::vector<Row> rows = {
      {dense, {24}, true, {1}},
      {dense, {2, 2, 3, 2}, true, {12, 6, 2, 1}},
      {dense.transpose(0, 2), {24}, false, {}},
      {dense.transpose(0, 1), {3, 8}, false, {}},
      {dense.transpose(0, 1), {3, 2, 2, 2}, true, {2, 12, 6, 1}},
      {dense.narrow(0, 1, 2), {2, 6}, true, {6, 1}},
      {dense.narrow(1, 0, 2), {4, 4}, true, {6, 1}},
      {dense.narrow(2, 0, 1), {12}, true, {2}},
      {dense.narrow(2, 0, 1), {4, 3, 1, 1}, true, {6, 2, 1, 1}},
      {dense.narrow(2, 0, 1).narrow(1, 0, 1), {1, 4, 1}, true, {24, 6, 1}},
      {Layout::contiguous({1, 5}).expand({3, 5}), {3, 5, 1}, true, {0, 1, 1}},
      {Layout::contiguous({1, 5}).expand({3, 5}), {15}, false, {}},
      {Layout::contiguous({2, 3}).transpose(0, 1), {3, 1, 2}, true, {1, 6, 3}},
      {Layout::contiguous({}), {1, 1}, true, {1, 1}},
      {Layout::contiguous({0, 3}), {3, 0, 2}, true, {2, 2, 1}},
  };
  for (const Row& row : rows) {
    CAPTURE(to_string(row.from.shape));
    CAPTURE(to_string(row.to));
    Layout result;
    CHECK(row.from.reshape(row.to, &result) == row.possible);
    if (!row.possible) continue;
    CHECK(result.shape == row.to);
    for (int i = 0; i < row.to.rank(); ++i)
      if (row.to[i] > 1) CHECK(result.strides[i] == row.strides[i]);
  }
}

TEST_CASE("a layout knows its order") {
  const Layout nchw = Layout::contiguous({2, 3, 4, 5}),
               nhwc = Layout::contiguous({2, 3, 4, 5}, MemoryFormat::channels_last);
  CHECK(nchw.is_contiguous());
  CHECK_FALSE(nchw.is_channels_last());
  CHECK(nhwc.strides == Strides{60, 1, 15, 3});
  CHECK(nhwc.is_channels_last());
  CHECK_FALSE(nhwc.is_contiguous());
  CHECK(nhwc.is_dense());
  CHECK_FALSE(nhwc.narrow(1, 0, 2).is_dense());
  const Layout pixel = Layout::contiguous({2, 3, 1, 1});
  CHECK(pixel.is_contiguous());
  CHECK(pixel.is_channels_last());
  CHECK(Layout::contiguous({3, 0}).transpose(0, 1).is_contiguous());
  CHECK(Layout::contiguous({3, 4}).is_non_overlapping());
  CHECK_FALSE(Layout::contiguous({1, 4}).expand({3, 4}).is_non_overlapping());
  CHECK(Layout::contiguous({3, 4}).span() == 12);
  CHECK(nhwc.narrow(3, 1, 2).offset == 3);
}

TEST_CASE("shapes broadcast, wrap and count with errors that say both sides") {
  CHECK(broadcast_shapes("add", {3, 1}, {4}) == Shape{3, 4});
  CHECK(broadcast_shapes("add", {}, {2, 0}) == Shape{2, 0});
  CHECK(broadcast_shapes("add", {0}, {1}) == Shape{0});
  expect_error("add: shapes [3,2] and [4] do not broadcast: sizes 2 and 4 differ at dim -1", [] {
    broadcast_shapes("add", {3, 2}, {4});
  });
  expect_error("add: shapes [4] and [3,2] do not broadcast: sizes 4 and 2 differ at dim -1", [] {
    broadcast_shapes("add", {4}, {3, 2});
  });
  CHECK(wrap_dim("sum", -1, 3) == 2);
  CHECK(wrap_dim("sum", -1, 0) == 0);
  expect_error("sum: dim 3 is out of range for a tensor of rank 3 (use -3 .. 2)",
               [] { wrap_dim("sum", 3, 3); });
  expect_error("more elements than int64 counts", [] { numel({int64_t(1) << 40, int64_t(1) << 40}); });
  expect_error("at most 8", [] { Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}); });
}

TEST_CASE("types promote by PyTorch's table") {
  const DType order[] = {bool8, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64};
  // torch.promote_types, row by row, as indices into `order`.
  const int table[10][10] = {
      {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 1, 3, 3, 4, 5, 6, 7, 8, 9}, {2, 3, 2, 3, 4, 5, 6, 7, 8, 9},
      {3, 3, 3, 3, 4, 5, 6, 7, 8, 9}, {4, 4, 4, 4, 4, 5, 6, 7, 8, 9}, {5, 5, 5, 5, 5, 5, 6, 7, 8, 9},
      {6, 6, 6, 6, 6, 6, 6, 8, 8, 9}, {7, 7, 7, 7, 7, 7, 8, 7, 8, 9}, {8, 8, 8, 8, 8, 8, 8, 8, 8, 9},
      {9, 9, 9, 9, 9, 9, 9, 9, 9, 9},
  };
  for (int i = 0; i < 10; ++i)
    for (int j = 0; j < 10; ++j) CHECK(promote_types(order[i], order[j]) == order[table[i][j]]);
  for (int i = 0; i < kDTypeCount; ++i) CHECK(dtype_from_name(name_of(DType(i))) == DType(i));
  expect_error("storage only", [] { promote_types(float32, DType::complex64); });
}

TEST_CASE("devices are read and written by name") {
  CHECK(Device("cuda:3") == Device(DeviceType::cuda, 3));
  CHECK(to_string(Device("cuda")) == "cuda:0");
  CHECK(Device("cpu") == cpu);
  for (const char* wrong : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "", "cpu:1"})
    expect_error("is not known", [&] { Device device(wrong); });
}
