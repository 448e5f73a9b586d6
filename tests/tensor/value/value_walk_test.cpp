#include <kiln/tensor/value/value_walk.h>

#include <doctest/doctest.h>

#include <algorithm>

namespace kiln {

TEST_CASE("value walk: everything in order, with the way to it") {
  const Value value = {{"a", Value::list({1, Value::tuple(), Value::list({"x"})})},
                       {"b.c", Value::dict({{7, tensor({1.f})}, {"", {{"d", 2}}}})},
                       {"e", Value::object("models.Net", {{"f", nullptr}})}};
  struct Row {
    const char *path, *name;
    size_t depth;
    bool has_key;
    Value::Kind kind;
  };
  using Kind = Value::Kind;
  const Row rows[] = {{"", "", 0, false, Kind::dict},
                      {"a", "a", 1, true, Kind::list},
                      {"a/0", "0", 2, false, Kind::integer},
                      {"a/1", "1", 2, false, Kind::tuple},
                      {"a/2", "2", 2, false, Kind::list},
                      {"a/2/0", "0", 3, false, Kind::string},
                      {"b.c", "b.c", 1, true, Kind::dict},
                      {"b.c/7", "7", 2, true, Kind::tensor},
                      {"b.c/\"\"", "\"\"", 2, true, Kind::dict},
                      {"b.c/\"\"/d", "d", 3, true, Kind::integer},
                      {"e", "e", 1, true, Kind::object},
                      {"e/f", "f", 2, true, Kind::none}};
  ValueWalk walk(value, '/');
  for (const Row& row : rows) {
    CAPTURE(row.path);
    REQUIRE(walk.next());
    CHECK(walk.path() == row.path);
    CHECK(walk.name() == row.name);
    CHECK(walk.depth() == row.depth);
    CHECK((walk.key() != nullptr) == row.has_key);
    CHECK(walk.value().kind() == row.kind);
  }
  CHECK_FALSE(walk.next());
  CHECK_FALSE(walk.next());
}

TEST_CASE("value walk: what is passed over") {
  const Value value = {{"a", Value::list({1, 2})}, {"b", 3}, {"c", Value::list({Value::list({4})})}};
  std::string seen;
  for (ValueWalk walk(value, '.'); walk.next();) {
    seen += walk.path() + " ";
    if (walk.path() == "a" || walk.path() == "b") walk.skip();
  }
  CHECK(seen == " a b c c.0 c.0.0 ");
  size_t count = 0;
  for (ValueWalk walk(value, '.'); walk.next(); walk.skip()) ++count;
  CHECK(count == 1);
}

TEST_CASE("value walk: a leaf is alone, and a deep value costs no stack") {
  const Value leaf = 7;
  ValueWalk alone(leaf, '/');
  CHECK(alone.next());
  CHECK(alone.value().as_int() == 7);
  CHECK_FALSE(alone.next());

  constexpr size_t kLevels = 1'000'000;
  Value deep;
  for (size_t i = 0; i < kLevels; ++i) {
    std::vector<Value> items;
    items.push_back(std::move(deep));
    deep = Value::list(std::move(items));
  }
  size_t depth = 0;
  for (ValueWalk walk(deep, '/'); walk.next();) depth = std::max(depth, walk.depth());
  CHECK(depth == kLevels);
}

}  // namespace kiln
