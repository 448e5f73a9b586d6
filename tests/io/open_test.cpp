#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include <kiln/autograd/ops.h>
#include <kiln/io/look.h>
#include <kiln/io/open.h>
#include <kiln/tensor/meta.h>
#include <kiln/tensor/value/value_walk.h>

#include "support/files.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;
using test::TemporaryFolder;

std::string fixture(const std::string& name) { return "tests/io/fixtures/" + name; }

// What a temporary gives is its own.
static_assert(std::is_same_v<decltype(std::declval<io::File>().outline()), Value>);
static_assert(std::is_same_v<decltype(std::declval<io::File>().metadata()), Value>);
static_assert(std::is_same_v<decltype(std::declval<io::File>().path()), std::string>);
static_assert(!std::is_constructible_v<ValueWalk, Value, char>);
static_assert(std::is_constructible_v<ValueWalk, Value&, char>);

// Everything but the elements.
void check_structure(const Value& outline, const Value& value) {
  CHECK(to_string(outline) == to_string(value));
  const std::vector<const Tensor*> left = outline.tensors(), right = value.tensors();
  REQUIRE(left.size() == right.size());
  for (size_t i = 0; i < left.size(); ++i) {
    CHECK(left[i]->dtype() == right[i]->dtype());
    CHECK(left[i]->shape() == right[i]->shape());
    CHECK(left[i]->strides() == right[i]->strides());
    for (size_t j = 0; j < i; ++j)
      CHECK(left[i]->shares_storage(*left[j]) == right[i]->shares_storage(*right[j]));
  }
}

// A file of a dict with one large tensor, all of it a hole that takes no space.
std::string sparse_file(const TemporaryFolder& folder, int64_t bytes) {
  std::string header = R"({"x":{"dtype":"F32","shape":[)" + std::to_string(bytes / 4) +
                       R"(],"data_offsets":[0,)" + std::to_string(bytes) + "]}}";
  while (header.size() % 8 != 0) header += ' ';
  const uint64_t length = header.size();
  std::string path = folder / "large.safetensors";
  test::write_file(path, std::string(reinterpret_cast<const char*>(&length), 8) + header);
  REQUIRE(::truncate(path.c_str(), int64_t(8 + header.size()) + bytes) == 0);
  return path;
}

}  // namespace

namespace {

// Of modules, what is not in their state dicts.
size_t data_beside(const Value& value) {
  size_t count = 0;
  for (ValueWalk walk(value, '/'); walk.next();) {
    const Value& here = walk.value();
    const Value* beside =
        here.is_object() && !here.attributes().is_none() ? here.attributes().find("__dict__") : nullptr;
    count += beside == nullptr ? 0 : beside->tensors().size();
  }
  return count;
}

}  // namespace

TEST_CASE("open: the outline has all but the elements, the value has them") {
  for (const char* name :
       {"zip.pt", "zip4.pt", "legacy.pt", "legacy1.pt", "legacy4.pt", "module.pt", "special.pt", "tar.pt",
        "plain.pkl", "script.pt", "fortran.npy", "arrays.npz", "arrays_deflated.npz"}) {
    CAPTURE(name);
    const io::LoadOptions options = {.limits = {.inflate_ratio = 2000}};
    const Value value = io::load(fixture(name), options);
    const io::File file = io::open(fixture(name), options);
    CHECK(file.path() == fixture(name));
    CHECK(file.value() == value);
    check_structure(file.value(), value);
    check_structure(file.outline(), value);
    const std::vector<std::string> names = file.names();
    CHECK(names.size() == value.tensors().size() - data_beside(value));
    for (const std::string& path : names)
      CHECK(Value(file.tensor(path)) == (path.empty() ? value : value.at(path)));
  }
}

TEST_CASE("open: what save writes") {
  const TemporaryFolder folder;
  const Tensor base = arange(24.0).reshape({2, 3, 2, 2});
  const Value value = {{"weight", base.contiguous(MemoryFormat::channels_last)},
                       {"base", base},
                       {"part", base[1]},
                       {"flag", tensor(true)},
                       {"complex", from_storage(zeros({4}, {.dtype = float64}).impl()->storage,
                                                DType::complex128, Layout::contiguous({2}))}};
  for (const std::string ending : {".kiln", ".pth", ".npz"}) {
    CAPTURE(ending);
    const std::string path = folder / ("x" + ending);
    io::save(path, value);
    const io::File file = io::open(path);
    check_structure(file.outline(), io::load(path));
    CHECK(file.value() == io::load(path));
    for (const Tensor* tensor : file.outline().tensors()) CHECK(tensor->device() == meta);
    CHECK(file.tensor("flag").item<bool>());
    if (ending != ".npz") CHECK(file.tensor("base").shares_storage(file.tensor("part")));
    CHECK(file.value("weight").as_tensor().strides() == io::load(path).at("weight").as_tensor().strides());
  }
}

TEST_CASE("open: an element of an outline is an error, not a crash") {
  const io::File file = io::open(fixture("zip.pt"));
  const Tensor& x = file.outline().at("matrix").as_tensor();
  CHECK(to_string(x.device()) == "meta");
  CHECK(contains(error_of([&] { x.data<float>(); }), "the tensor is on meta"));
  CHECK(contains(error_of([&] { x.to_vector<float>(); }), "meta"));
  CHECK(contains(error_of([&] { x + 1; }), "meta"));
  CHECK(contains(error_of([&] { CHECK(file.outline() == io::open(fixture("zip.pt")).outline()); }), "meta"));
  CHECK_FALSE(to_string(x).empty());
}

TEST_CASE("open: what an outline stands for is read when it is saved, also when the file is closed") {
  const TemporaryFolder folder;
  int written = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/io/fixtures"))
    for (const char* ending : {".kiln", ".pth", ".safetensors", ".npz"}) {
      CAPTURE(entry.path());
      CAPTURE(ending);
      const std::string path = entry.path(), out = folder / ("x" + std::string(ending));
      const auto saved = [&](auto&& read) {
        std::filesystem::remove(out);
        const std::string error = error_of([&] { io::save(out, read(path, {})); });
        return error.empty() ? test::read_file(out) : "error: " + error;
      };
      const std::string expected = saved(io::load);
      const bool later = saved(io::look) == expected;
      CHECK(later);
      const auto outline = [](const std::string& file, const io::LoadOptions& options) {
        return io::open(file, options).outline();
      };
      const bool opened = saved(outline) == expected;
      CHECK(opened);
      written += !expected.starts_with("error: ");
    }
  CHECK(written >= 40);
}

TEST_CASE("open: parts, by path") {
  const io::File file = io::open(fixture("zip.pt"));
  CHECK(file.value("names") == Value::list({"a", Value::tuple({"b", nullptr, true})}));
  CHECK(file.value("state/0/step").as_int() == 3);
  const std::string none = error_of([&] { file.value("stade"); });
  CHECK_MESSAGE(contains(none, fixture("zip.pt")), none);
  CHECK_MESSAGE(contains(none, "there is no 'stade'"), none);
  CHECK(contains(error_of([&] { file.tensor("names"); }), "has list at 'names', not a tensor"));
  const io::File copy = file;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(copy.tensor("matrix").shares_storage(file.tensor("tail")));
  copy.tensor("matrix").fill_(3);
  CHECK(file.tensor("tail").to_vector<float>() == std::vector<float>(4, 3));
  CHECK(io::load(fixture("zip.pt")).at("tail").as_tensor().to_vector<float>() ==
        std::vector<float>{8, 9, 10, 11});
}

TEST_CASE("open: tensors outlive the file object; options count") {
  Tensor half;
  {
    const io::File file = io::open(fixture("zip.pt"), {.dtype = float64});
    half = file.tensor("half");
  }
  CHECK(half.dtype() == float64);
  CHECK(half.to_vector<float>() == std::vector<float>{1.5f, -2});
  CHECK(contains(error_of([&] { io::open(fixture("module.pt"), {.strict = true}); }), "strict loading"));
  CHECK(
      contains(error_of([&] { io::open(fixture("zip.pt"), {.device = "cuda:9"}); }), "should go to cuda:9"));
  CHECK(contains(error_of([&] { io::open(fixture("nothing.pt")); }), "cannot open"));
}

TEST_CASE("open: metadata of safetensors and of an index") {
  const TemporaryFolder folder;
  io::save(folder / "x.safetensors", {{"a", tensor({1.0})}, {"b", tensor({2.0})}});
  CHECK(io::open(folder / "x.safetensors").metadata() == Value({{"format", "pt"}}));
  io::save(folder / "y.safetensors", {{"a", tensor({1.0})}, {"b", tensor({2.0})}}, {.shard_bytes = 4});
  const io::File shards = io::open(folder / "y.safetensors.index.json");
  CHECK(shards.metadata() == Value({{"total_size", 8}}));
  CHECK(shards.names() == std::vector<std::string>{"a", "b"});
  CHECK(shards.outline().at("b").as_tensor().device() == meta);
  CHECK(shards.tensor("b").to_vector<float>() == std::vector<float>{2});
  CHECK(io::open(fixture("zip.pt")).metadata().is_none());
}

TEST_CASE("open: damage is found when the data are asked for") {
  const TemporaryFolder folder;
  for (const std::string ending : {".kiln", ".pth", ".npz"}) {
    CAPTURE(ending);
    const std::string path = folder / ("x" + ending);
    io::save(path, {{"good", full({100}, 1.f)}, {"bad", full({100}, 2.f)}});
    std::string bytes = test::read_file(path);
    const float two = 2;
    const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&two), 4) +
                                 std::string(reinterpret_cast<const char*>(&two), 4));
    REQUIRE(at != std::string::npos);
    bytes[at + 40] = char(bytes[at + 40] ^ 1);
    test::write_file(path, bytes);
    const io::File file = io::open(path);
    CHECK(file.tensor("good").to_vector<float>() == std::vector<float>(100, 1));
    const std::string error = error_of([&] { file.tensor("bad"); });
    CHECK_MESSAGE(contains(error, path), error);
    CHECK_MESSAGE(contains(error, "is damaged"), error);
    CHECK_FALSE(error_of([&] { file.value(); }).empty());
    CHECK(io::open(path, {.verify = false}).tensor("bad").numel() == 100);
  }
}

TEST_CASE("open: no data are read") {
  const TemporaryFolder folder;
  const int64_t bytes = int64_t(5) << 30;
  const io::File file = io::open(sparse_file(folder, bytes));
  CHECK(file.names() == std::vector<std::string>{"x"});
  const Tensor& outline = file.outline().at("x").as_tensor();
  CHECK(outline.numel() == bytes / 4);
  const Tensor x = file.tensor("x");
  CHECK(x.slice(0, x.numel() - 2).to_vector<float>() == std::vector<float>{0, 0});
  // Reading it would have brought its pages into memory.
  long pages = 0, resident = 0;
  FILE* const statm = std::fopen("/proc/self/statm", "r");
  REQUIRE(statm != nullptr);
  CHECK(std::fscanf(statm, "%ld %ld", &pages, &resident) == 2);
  std::fclose(statm);
  CHECK(resident * ::sysconf(_SC_PAGESIZE) < int64_t(1) << 30);
}

}  // namespace kiln
