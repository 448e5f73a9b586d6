#include <doctest/doctest.h>

#include <filesystem>

#include <cmath>

#include <kiln/data/data.h>

#include "data/files.h"
#include "support/skip.h"

using namespace kiln;
using namespace kiln::test;

namespace {

std::string big_endian(uint32_t value) {
  return {char(value >> 24), char(value >> 16), char(value >> 8), char(value)};
}

std::string idx(uint8_t type, const std::vector<uint32_t>& sizes, const std::string& payload) {
  std::string bytes = {0, 0, char(type), char(sizes.size())};
  for (const uint32_t size : sizes) bytes += big_endian(size);
  return bytes + payload;
}

std::string counting(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += char(i);
  return bytes;
}

}  // namespace

TEST_CASE("idx: every type") {
  const TemporaryFolder folder;
  struct Row {
    uint8_t code;
    DType dtype;
    std::string payload;
    std::vector<double> values;
  };
  const Row rows[] = {
      {0x08, uint8, {1, char(255)}, {1, 255}},
      {0x09, int8, {1, char(255)}, {1, -1}},
      {0x0B, int16, {1, 2, char(0xFF), char(0xFE)}, {258, -2}},
      {0x0C, int32, {0, 1, 0, 2, char(0xFF), char(0xFF), char(0xFF), char(0xFD)}, {65538, -3}},
      {0x0D, float32, {0x3F, char(0xC0), 0, 0, char(0xBF), char(0x80), 0, 0}, {1.5, -1}},
      {0x0E, float64, std::string("\x3F\xF8\0\0\0\0\0\0\xC0\x00\0\0\0\0\0\0", 16), {1.5, -2}},
  };
  for (const Row& row : rows) {
    CAPTURE(int(row.code));
    const std::string bytes = idx(row.code, {2}, row.payload);
    for (const std::string& content : {bytes, gzip(bytes)}) {
      const Tensor x = data::read_idx(folder.write("x", content));
      CHECK(x.dtype() == row.dtype);
      CHECK(x.shape() == Shape{2});
      CHECK(x.to_vector<double>() == row.values);
    }
  }
}

TEST_CASE("idx: shapes") {
  const TemporaryFolder folder;
  const Tensor x = data::read_idx(folder.write("x", idx(8, {2, 3, 4}, counting(24))));
  CHECK(x.shape() == Shape{2, 3, 4});
  CHECK(x.to_vector<int64_t>()[23] == 23);
  CHECK(data::read_idx(folder.write("x", idx(8, {0, 28}, ""))).shape() == Shape{0, 28});
  CHECK(data::read_idx(folder.write("x", idx(8, {}, counting(1)))).shape() == Shape{});
}

TEST_CASE("idx: missing, short and damaged files") {
  const TemporaryFolder folder;
  const std::string good = idx(8, {2, 3}, counting(6));
  std::string flipped = gzip(idx(8, {1000}, std::string(1000, 'x')));
  flipped[flipped.size() - 6] ^= 1;  // in the checksum
  struct Row {
    std::string content, message;
  };
  const Row rows[] = {
      {"", "cut short: the header needs 4 bytes"},
      {good.substr(0, 3), "cut short"},
      {good.substr(0, 9), "cut short"},
      {good.substr(0, good.size() - 1), "cut short"},
      {good + "x", "more bytes follow"},
      {idx(8, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, ""), "cut short or damaged"},
      {idx(8, {0x40000000}, "abc"), "cut short or damaged"},
      {gzip(idx(8, {0x40000000}, "abc")), "cut short or damaged"},
      {idx(7, {2}, "ab"), "not an IDX file"},
      {"<html>", "not an IDX file"},
      {idx(8, std::vector<uint32_t>(9, 1), "a"), "rank 9"},
      {gzip(good).substr(0, 20), "cut short"},
      {gzip(good).substr(0, gzip(good).size() - 4), "cut short"},
      {flipped, "damaged"},
  };
  for (const Row& row : rows) {
    const std::string path = folder.write("x", row.content);
    const std::string message = error_of([&] { data::read_idx(path); });
    CAPTURE(message);
    CHECK(contains(message, row.message));
    CHECK(contains(message, path));
  }
  CHECK(contains(error_of([&] { data::read_idx(folder / "none"); }),
                 "none: cannot open the file: No such file"));
  CHECK(contains(error_of([&] { data::read_idx(folder.path()); }), "is a folder"));
}

TEST_CASE("mnist: a folder of files") {
  const TemporaryFolder folder;
  const auto write = [&](const char* part, int count, const std::string& labels) {
    folder.write(std::string(part) + "-images-idx3-ubyte",
                 idx(8, {uint32_t(count), 2, 2}, counting(4 * count)));
    folder.write(std::string(part) + "-labels-idx1-ubyte.gz",
                 gzip(idx(8, {uint32_t(labels.size())}, labels)));
  };
  write("train", 3, {7, 0, 9});
  const data::TensorDataset train = data::mnist(folder.path());
  CHECK(train.size() == 3);
  CHECK(train.class_names().size() == 10);
  CHECK(train.tensors()[0].shape() == Shape{3, 1, 2, 2});
  CHECK(train.get(2)[0].to_vector<int64_t>() == std::vector<int64_t>{8, 9, 10, 11});
  CHECK(train.get(2)[1].item<int64_t>() == 9);
  CHECK(train.label(0) == 7);

  const auto test_error = [&] {
    return error_of([&] { data::fashion_mnist(folder.path(), {.train = false}); });
  };
  CHECK(contains(test_error(),
                 "t10k-images-idx3-ubyte: no such file, plain or with .gz; install Debian's package "
                 "dataset-fashion-mnist"));
  write("t10k", 3, {7, 0});
  CHECK(contains(test_error(), "holds 2 labels for the 3 images"));
  write("t10k", 3, {7, 0, 10});
  CHECK(contains(test_error(), "label 10 of sample 2 is not below 10"));
}

TEST_CASE("fashion-mnist: the real files") {
  if (!std::filesystem::exists(data::kFashionMnistFolder))
    return skip("dataset-fashion-mnist is not installed");
  const data::TensorDataset train = data::fashion_mnist(),
                            test = data::fashion_mnist(data::kFashionMnistFolder, {.train = false});
  CHECK(train.tensors()[0].shape() == Shape{60000, 1, 28, 28});
  CHECK(test.tensors()[0].shape() == Shape{10000, 1, 28, 28});
  CHECK(train.class_names()[9] == "Ankle boot");
  int64_t histogram[10] = {};
  for (int64_t i = 0; i < train.size(); ++i) ++histogram[train.label(i)];
  for (const int64_t count : histogram) CHECK(count == 6000);
  double sum = 0, squares = 0;
  const uint8_t* pixels = train.tensors()[0].data<uint8_t>();
  const int64_t count = train.tensors()[0].numel();
  for (int64_t i = 0; i < count; ++i) {
    const double x = pixels[i] / 255.0;
    sum += x;
    squares += x * x;
  }
  const double mean = sum / double(count);
  CHECK(mean == doctest::Approx(0.2860).epsilon(0.0005));
  CHECK(std::sqrt(squares / double(count) - mean * mean) == doctest::Approx(0.3530).epsilon(0.0005));
}
