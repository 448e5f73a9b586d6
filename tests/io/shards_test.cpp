#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include <kiln/autograd/ops.h>
#include <kiln/io/load.h>
#include <kiln/tensor/base/fail.h>

#include "support/files.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;

Value weights() {
  Value value = Value::dict();
  for (int i = 0; i < 5; ++i) value[fmt::format("layer.{}", i)] = tensor({1.f * float(i), 2.f});
  value["large"] = tensor({{1., 2.}, {3., 4.}, {5., 6.}});
  return value;
}

size_t files_in(const test::TemporaryFolder& folder) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++count;
  return count;
}

}  // namespace

TEST_CASE("shards: files of a size, an index, and back") {
  Value value = weights();
  for (const std::string ending : {".safetensors", ".pth"}) {
    const test::TemporaryFolder folder;
    const std::string path = folder / ("net" + ending);
    io::save(path, value, {.shard_bytes = 16});
    CHECK(io::load(folder / ("net-00001-of-00004" + ending)) ==
          Value{{"layer.0", value["layer.0"]}, {"layer.1", value["layer.1"]}});
    CHECK(io::load(folder / ("net-00004-of-00004" + ending)) == Value{{"large", value["large"]}});
    CHECK(io::load(path + ".index.json") == value);
    CHECK(contains(test::read_file(path + ".index.json"), "\"total_size\": 64"));
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(files_in(folder) == 5);

    // Another number of shards, then one file: nothing of the previous set is left.
    value["layer.0"] = tensor({7.f, 7.f});
    io::save(path, value, {.shard_bytes = 32});
    CHECK(io::load(path + ".index.json") == value);
    CHECK(files_in(folder) == 3);
    io::save(path, value, {.shard_bytes = 64});
    CHECK(io::load(path).size() == value.size());
    CHECK(files_in(folder) == 1);
    io::save(path, value, {.shard_bytes = 16});
    CHECK(files_in(folder) == 5);
  }
}

TEST_CASE("shards: what the index does not name is reported") {
  for (const std::string ending : {".safetensors", ".bin"}) {
    const test::TemporaryFolder folder;
    io::save(folder / ("a" + ending),
             Value{{"x", tensor({1.f})}, {"hidden", tensor({2.f})}, {"y", tensor({3.f})}});
    const std::string index = folder.write(
        "x.index.json", fmt::format(R"({{"weight_map": {{"x": "a{}", "y": "a{}"}}}})", ending, ending));
    std::string warnings;
    const Value value = io::load(index, {.warn = [&](const std::string& warning) { warnings += warning; }});
    CHECK(value.size() == 2);
    CHECK_MESSAGE(
        contains(warnings, "1 of the values in its files is not named by it and left out, 'hidden' of 'a" +
                               ending + "' is the first"),
        warnings);
  }
}

TEST_CASE("shards: progress counts all files") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  io::save(path, {{"a", zeros({1 << 20})}, {"b", zeros({1 << 20})}}, {.shard_bytes = 1 << 22});
  std::vector<int64_t> seen;
  int64_t all = 0;
  io::load(path + ".index.json", {.progress = [&](int64_t done, int64_t total) {
             seen.push_back(done);
             all = total;
           }});
  CHECK(all > 1 << 23);
  CHECK(seen.size() >= 8);
  CHECK(std::ranges::is_sorted(seen));
  CHECK(seen.back() == all);
}

TEST_CASE("shards: a save that fails leaves the previous files") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  io::save(path, weights(), {.shard_bytes = 16});
  Value bad = weights();
  bad["last"] = from_storage(Storage::allocate(16, cpu), DType::complex128, Layout::contiguous({1}));
  CHECK(contains(error_of([&] { io::save(path, bad, {.shard_bytes = 16}); }), "no complex128"));
  CHECK(io::load(path + ".index.json") == weights());
  CHECK(files_in(folder) == 5);
}

TEST_CASE("shards: an index that no honest program writes") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.index.json";
  io::save(folder / "a.safetensors", {{"x", tensor({1.f})}, {"y", tensor({2.f})}});
  io::save(folder / "b.pth", {{"x", tensor({1.f})}, {"z", tensor({3.f})}});
  const std::pair<const char*, const char*> rows[] = {
      {R"({"x": "a.safetensors", "z": "b.pth"})", "places 'x' in 'a.safetensors', and 'b.pth' has it too"},
      {R"({"y": "a.safetensors", "y": "b.pth"})", "the key 'y' is given twice"},
      {R"({"q": "a.safetensors"})", "places 'q' in 'a.safetensors', which does not have it"},
      {R"({"y": "../a.safetensors"})", "'../a.safetensors', which is not a plain name in its folder"},
      {R"({"y": "/a"})", "which is not a plain name"},
      {R"({"y": ".."})", "which is not a plain name"},
      {R"({"y": "c.pth"})", "x.index.json' names 'c.pth': cannot open"},
      {R"({"y": "x.index.json"})", "it is an index itself"},
      {R"({"y": 1})", "names no file for 'y'"},
      {"[]", "lacks 'weight_map'"},
  };
  for (const auto& [map, message] : rows) {
    test::write_file(path, fmt::format("{{\"weight_map\": {}}}", map));
    const std::string error = error_of([&] { io::load(path); });
    CHECK_MESSAGE(contains(error, message), error);
    CHECK_MESSAGE(contains(error, "load: '" + path + "'"), error);
  }
  test::write_file(path, R"({"weight_map": {"y": "a.safetensors"}})" + std::string("\0{}", 3));
  CHECK(contains(error_of([&] { io::load(path); }), "is not valid JSON at byte 38: it has a zero byte"));
  // What an index does not name is left out.
  test::write_file(path, R"({"weight_map": {"y": "a.safetensors", "z": "b.pth"}})");
  CHECK(io::load(path) == Value{{"y", tensor({2.f})}, {"z", tensor({3.f})}});
}

TEST_CASE("shards: what cannot be is said") {
  const test::TemporaryFolder folder;
  CHECK(contains(error_of([&] { io::save(folder / "a.kiln", weights(), {.shard_bytes = 16}); }),
                 "cannot be written in shards"));
  CHECK(contains(error_of([&] { io::save(folder / "a.pth", weights(), {.shard_bytes = -1}); }),
                 "shards of -1 bytes"));
  const auto refused = [&](const Value& value) {
    return error_of([&] { io::save(folder / "a.pth", value, {.shard_bytes = 1}); });
  };
  CHECK(contains(refused({{1, tensor({1.f})}, {"1", tensor({2.f})}}), "texts, one here is 1"));
  CHECK(contains(refused({{"net", {{"w", tensor({1.f})}}}}), "'net' is a dict"));
}

TEST_CASE("shards: what hangs on a tensor stays on it in PyTorch's, and has a name in others") {
  const test::TemporaryFolder folder;
  Value value = {{"a", tensor({1.f, 2.f})}, {"b", tensor({3.f})}};
  value["a"].set_attributes({{"scale", tensor({4.f})}});
  io::save(folder / "a.pth", value, {.shard_bytes = 4});
  CHECK(io::load(folder / "a.pth.index.json") == value);
  io::save(folder / "a.safetensors", value, {.shard_bytes = 4});
  CHECK(io::load(folder / "a.safetensors.index.json") ==
        Value{{"a", tensor({1.f, 2.f})}, {"a.@scale", tensor({4.f})}, {"b", tensor({3.f})}});
}

}  // namespace kiln
