#include <doctest/doctest.h>

#include <kiln/io/load.h>
#include <kiln/io/open.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/surgery.h>

#include "support/archive.h"
#include "support/files.h"

// Values nested deeper than any thread's stack: where the limit allows it they load, where not there is one
// error.

namespace kiln {
namespace {

using namespace std::string_literals;

constexpr int64_t kDeep = 1'000'000, kLess = 100'000;

std::string times(int64_t count, const std::string& text) {
  std::string out;
  out.reserve(size_t(count) * text.size());
  for (int64_t i = 0; i < count; ++i) out += text;
  return out;
}

struct Row {
  const char* name;
  std::string before, innermost, after;  // `before` and `after` stand for each level
  Value::Kind kind;
};

const std::vector<Row>& rows() {
  using Kind = Value::Kind;
  static const std::vector<Row> kRows = {
      {"lists", "]", "N", "a", Kind::list},
      {"tuples", "", "N", "\x85", Kind::tuple},
      {"dicts", "}K\1", "N", "s", Kind::dict},
      {"ordered dicts", "ccollections\nOrderedDict\n)RK\1", "N", "s", Kind::dict},
      {"OrderedDicts of Python 2", "ccollections\nOrderedDict\n]]K\1a", "N", "aa\x85R", Kind::dict},
      {"objects", "cmodels\nNet\n", "N", "\x85R", Kind::object},
      {"states", "cmodels\nNet\n)\x81", "N", "b", Kind::object},
      {"items of objects", "cmodels\nNet\n)\x81", "N", "a", Kind::object},
      {"sizes", "ctorch\nSize\n]", "N", "a\x85R", Kind::tuple},
      {"numpy",
       "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n)U\1b\x87R(K\1)cnumpy\ndtype\nU\2O8\x85R\x89",
       "N", "tb", Kind::object},
  };
  return kRows;
}

std::string pickle(const Row& row, int64_t levels) {
  return "\x80\2" + times(levels, row.before) + row.innermost + times(levels, row.after) + ".";
}

int64_t depth_of(const Value& value) {
  int64_t depth = 0;
  for (const Value* next = &value; next->kind() >= Value::Kind::list && next->size() > 0; ++depth)
    next = next->is_list() || next->is_tuple() ? &next->items().back() : &next->entries().back().value;
  return depth;
}

}  // namespace

TEST_CASE("nesting: a million levels load where the limit allows it, and are one error where not") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.pth";
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    const int64_t levels = row.before == "]" ? kDeep : kLess;
    test::write_file(path,
                     test::Archive().add("x/data.pkl", pickle(row, levels)).add("x/version", "3\n").finish());
    CHECK(test::contains(test::error_of([&] { io::load(path); }),
                         "record 'x/data.pkl': values are nested deeper than 1000 levels (limits.nesting)"));
    const Value value = io::load(path, {.limits = {.nesting = 3 * kDeep}});
    CHECK(value.kind() == row.kind);
    CHECK(depth_of(value) >= levels);
    const io::File file = io::open(path, {.dtype = float16, .limits = {.nesting = 3 * kDeep}});
    CHECK(file.names().empty());
    CHECK(file.value() == value);
  }
}

TEST_CASE("nesting: what takes a value takes a deep one, or refuses it") {
  const test::TemporaryFolder folder;
  for (const Row& row : {rows()[0], rows()[2], rows()[5]}) {
    CAPTURE(row.name);
    const std::string path = folder / "x.pkl";
    test::write_file(path, pickle(row, kLess));
    const Value value = io::load(path, {.limits = {.nesting = 2 * kDeep}});
    Value copy = value;
    CHECK(copy == value);
    copy = {};
    CHECK(value.tensors().empty());
    CHECK(to_string(value).size() < 100'000);
    CHECK(find_weights(value).empty());
    CHECK_FALSE(test::error_of([&] { weights_of(value); }).empty());
    for (const char* name : {"y.kiln", "y.pth", "y.safetensors", "y.npz", "y.npy"})
      CHECK(test::error_of([&] { io::save(folder / name, value); }).size() > 0);
  }
}

TEST_CASE("nesting: a deep value may hold tensors, and itself") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.pth";
  const std::string tensor =
      "ctorch._utils\n_rebuild_tensor_v2\n(("
      "U\7storagectorch\nFloatStorage\nU\1"
      "0U\3cpuK\2tQK\0K\2\x85K\1\x85\x89}tR"s;
  const int64_t levels = 10'000;
  const auto write = [&](const std::string& text) {
    test::write_file(path, test::Archive()
                               .add("x/data.pkl", text)
                               .add("x/data/0", std::string(8, '\0'))
                               .add("x/version", "3\n")
                               .finish());
  };
  write("\x80\2" + times(levels, "]") + tensor + times(levels, "a") + ".");
  const io::LoadOptions deep = {.limits = {.nesting = 2 * levels}};
  const io::File file = io::open(path, deep);
  REQUIRE(file.names().size() == 1);
  CHECK(file.names()[0].size() == size_t(2 * levels - 1));
  CHECK(file.tensor(file.names()[0]).numel() == 2);
  const Value loaded = io::load(path, deep);
  CHECK(loaded.tensors().size() == 1);

  write("\x80\2]q\0"s + times(levels, "]") + "h\0"s + times(levels + 1, "a") + tensor + "a.");
  const Value cycle = io::load(path, deep);
  CHECK(depth_of(cycle.items()[0]) == levels);
  CHECK(cycle.tensors().size() == 1);
}

TEST_CASE("nesting: keys, and what makes tensors, nest a hundred levels at most") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.pkl";
  const std::string keys[] = {
      times(kLess, "}") + "N" + times(kLess, "\x85Ns"),
      times(kLess, "ctorch._utils\n_rebuild_parameter\n") + "N" + times(kLess, "\x85R")};
  for (const std::string& text : keys) {
    test::write_file(path, "\x80\2" + text + ".");
    CHECK(test::contains(test::error_of([&] { io::load(path, {.limits = {.nesting = 3 * kDeep}}); }),
                         "nested deeper than 100 levels"));
  }
}

}  // namespace kiln
