#include <doctest/doctest.h>

#include <filesystem>

#include <cstdlib>
#include <cstring>

#include <kiln/data/data.h>

#include "data/files.h"
#include "support/skip.h"

using namespace kiln;
using namespace kiln::test;

namespace {

// Like make_cifar.py.
std::string image(int i, int f) {
  std::string bytes;
  for (int k = 0; k < 3072; ++k) bytes += char(i + 7 * f + k);
  return bytes;
}

std::string records(int count, int f, const std::vector<std::string>& labels) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += labels[size_t(i)] + image(i, f);
  return bytes;
}

std::string label10(int i, int f) { return {char((i + f) % 10)}; }

void write_cifar10(const TemporaryFolder& folder, const std::string& below) {
  for (int f = 0; f < 6; ++f) {
    std::vector<std::string> labels;
    for (int i = 0; i < 4; ++i) labels.push_back(label10(i, f));
    folder.write(below + (f == 0 ? "test_batch" : "data_batch_" + std::to_string(f)) + ".bin",
                 records(4, f, labels));
  }
}

void check_cifar10(const data::TensorDataset& train, const data::TensorDataset& test) {
  CHECK(train.tensors()[0].shape() == Shape{20, 3, 32, 32});
  CHECK(test.tensors()[0].shape() == Shape{4, 3, 32, 32});
  for (int f = 1; f <= 5; ++f)
    for (int i = 0; i < 4; ++i) {
      const int64_t sample = 4 * (f - 1) + i;
      CHECK(train.label(sample) == (i + f) % 10);
      const std::string expected = image(i, f);
      CHECK(std::memcmp(train.get(sample)[0].raw_data(), expected.data(), expected.size()) == 0);
    }
  CHECK(test.label(3) == 3);
}

bool run_generator(const TemporaryFolder& folder, const std::string& protocol) {
  const std::string command =
      "/usr/bin/python3 tests/data/make_cifar.py '" + folder.path() + "' " + protocol + " 2>/dev/null";
  return std::system(command.c_str()) == 0;
}

}  // namespace

TEST_CASE("cifar: binary layout") {
  for (const char* below : {"", "cifar-10-batches-bin/"}) {
    const TemporaryFolder folder;
    write_cifar10(folder, below);
    check_cifar10(data::cifar10(folder.path()), data::cifar10(folder.path(), {.train = false}));
    CHECK(data::cifar10(folder.path()).class_names()[3] == "cat");
  }
  const TemporaryFolder folder;
  folder.write("cifar-100-binary/train.bin", records(3, 0, {{19, 99}, {0, 1}, {2, 3}}));
  CHECK(data::cifar100(folder.path()).tensors()[1].to_vector<int64_t>() == std::vector<int64_t>{99, 1, 3});
  const auto coarse = data::cifar100(folder.path(), {.coarse = true});
  CHECK(coarse.tensors()[1].to_vector<int64_t>() == std::vector<int64_t>{19, 0, 2});
  CHECK(coarse.class_names().empty());
  std::string names;
  for (int i = 0; i < 20; ++i) names += "name " + std::to_string(i) + "\r\n";
  folder.write("cifar-100-binary/coarse_label_names.txt", names);
  CHECK(data::cifar100(folder.path(), {.coarse = true}).class_names()[19] == "name 19");
}

TEST_CASE("cifar: python layout of every protocol") {
  for (const std::string protocol : {"python2", "0", "1", "2", "3", "4", "5"}) {
    CAPTURE(protocol);
    const TemporaryFolder folder;
    if (!run_generator(folder, protocol)) return skip("python3 with numpy is not installed");
    check_cifar10(data::cifar10(folder.path()), data::cifar10(folder.path(), {.train = false}));
    CHECK(data::cifar10(folder.path()).class_names()[3] == "class 3");
    const auto fine = data::cifar100(folder.path()), coarse = data::cifar100(folder.path(), {false, true});
    CHECK(fine.label(4) == 40);
    CHECK(fine.class_names()[99] == "fine 99");
    CHECK(coarse.label(4) == 4);
    CHECK(coarse.class_names()[19] == "coarse 19");
    CHECK(int(coarse.tensors()[0].data<uint8_t>()[3072]) == 8);
  }
}

TEST_CASE("cifar: missing, short and damaged files") {
  const auto error = [](const TemporaryFolder& folder) {
    return error_of([&] { data::cifar10(folder.path(), {.train = false}); });
  };
  const TemporaryFolder folder;
  CHECK(contains(error(folder), "neither test_batch.bin nor test_batch is there"));
  write_cifar10(folder, "");
  std::filesystem::remove(folder / "data_batch_3.bin");
  CHECK(contains(error_of([&] { data::cifar10(folder.path()); }), "data_batch_3.bin': No such file"));
  const std::string good = records(1, 0, {{1}});
  const std::pair<std::string, std::string> rows[] = {
      {"", "test_batch.bin: cut short or damaged: 0 bytes"},
      {good.substr(1), "cut short or damaged: 3072 bytes are not a multiple of the 3073"},
      {char(10) + good.substr(1), "label 10 of sample 0 is not in 0 .. 9"},
  };
  for (const auto& [content, message] : rows) {
    folder.write("test_batch.bin", content);
    CHECK(contains(error(folder), message));
  }
}

TEST_CASE("cifar: damaged pickles") {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& pickle) {
    folder.write("test_batch", pickle);
    return error_of([&] { data::cifar10(folder.path(), {.train = false}); });
  };
  const std::pair<std::string, std::string> rows[] = {
      {"", "test_batch: pickle, byte 0: the input ends without STOP"},
      {"].", "needs a pickled dict, holds list"},
      {"}.", "its dict has no 'data'"},
      {"}.x", "1 bytes follow after the pickle"},
      {std::string("}U\4dataNs."), "data: numpy array: the pickle holds None instead"},
      {std::string("}U\4datacos\nsystem\n(S'true'\ntRs."),
       "data: numpy array: the pickle holds object instead"},
  };
  for (const auto& [pickle, message] : rows) {
    const std::string found = error(pickle);
    CAPTURE(found);
    CHECK(contains(found, message));
    CHECK(contains(found, "test_batch"));
  }
  if (!run_generator(folder, "2")) return skip("python3 with numpy is not installed");
  const std::string good = read_file(folder / "cifar-10-batches-py/test_batch");
  REQUIRE(good.size() > 4 * 3072);
  CHECK(error(good) == "");
  for (size_t cut = 0; cut < good.size(); cut += cut < 400 || cut + 200 > good.size() ? 1 : 997)
    CHECK(contains(error(good.substr(0, cut)), "test_batch"));
}
