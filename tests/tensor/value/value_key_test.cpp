#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <set>

#include <kiln/tensor/value/value_walk.h>

#include "support/files.h"

namespace kiln {
namespace {

using Key = Value::Key;

Key bytes(const char* data) { return Key(Value(Value::Bytes{data})); }
Key tuple(std::vector<Value> items) { return Key(Value::tuple(std::move(items))); }

std::vector<std::string> paths_of(const Value& value, char separator = '/') {
  std::vector<std::string> paths;
  for (ValueWalk walk(value, separator); walk.next();)
    if (walk.depth() > 0) paths.push_back(walk.path());
  return paths;
}

}  // namespace

TEST_CASE("value keys: the same where Python's dicts hold them to be") {
  const Tensor x = tensor({1.f}), y = tensor({1.f});
  const Value one = Value::object("A", {}), other = Value::object("A", {});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  struct Row {
    Key a, b;
    bool same;
  };
  const Row rows[] = {
      {"a", "a", true},
      {"1", 1, false},
      {1, true, true},
      {0, Key(Value(-0.0)), true},
      {1, Key(Value(1.0)), true},
      {1, Key(Value(1.5)), false},
      {INT64_MAX, Key(Value(double(INT64_MAX))), false},
      {Key(Value(nan)), Key(Value(nan)), false},
      {Key(Value()), "none", false},
      {Key(Value()), Key(Value()), true},
      {"a", bytes("a"), false},
      {bytes("a"), bytes("a"), true},
      {tuple({1, "a"}), tuple({1, "a"}), true},
      {tuple({1, "a"}), tuple({true, "a"}), true},
      {tuple({1, 2}), tuple({1, 2, 3}), false},
      {tuple({1, 2}), Key(Value::list({1, 2})), false},
      {tuple({1, Value::tuple({2})}), tuple({1, Value::tuple({3})}), false},
      {Key(Value(x)), Key(Value(x)), true},
      {Key(Value(x)), Key(Value(y)), false},
      {Key(one), Key(one), true},
      {Key(one), Key(other), false},
      {UINT64_MAX, UINT64_MAX, true},
      {UINT64_MAX, -1, false},
      {uint64_t(INT64_MAX) + 1, INT64_MIN, false},
  };
  for (const Row& row : rows) {
    CAPTURE(to_string(row.a));
    CAPTURE(to_string(row.b));
    CHECK((row.a == row.b) == row.same);
    CHECK((row.b == row.a) == row.same);
    if (row.same) CHECK(row.a.hash() == row.b.hash());
    const auto both = [&] { return Value::dict({{row.a, 1}, {row.b, 2}}); };
    if (row.same)
      CHECK_THROWS(both());
    else
      CHECK(both().size() == 2);
  }
}

// Where they share a hash, finding one costs as much as there are others: minutes for these.
TEST_CASE("value keys: many of one kind do not meet in one place") {
  constexpr int kMany = 50'000;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::function<Key(int)> kinds[] = {
      [](int i) { return Key(Value(i + 0.5)); },
      [](int i) {
        const int odd = 2 * (i / 800) + 1;
        return Key(Value(std::ldexp(odd, 100 + i % 800)));
      },
      [](int i) { return Key(int64_t(i) << 40); },
      [&](int) { return Key(Value(nan)); },
      [&](int i) {
        return tuple({1, nan, i / 2});
      },
      [](int i) {
        return tuple({Value::tuple({i, i + 1}), "x"});
      },
      [](int i) { return tuple({Value::tuple({i})}); },
      [](int i) {
        return tuple({Value::list({Value::tuple({nullptr, i + 0.5})})});
      },
      [](int i) { return Key(Value(Value::Bytes{std::string(8, '\0') + std::to_string(i)})); },
      [](int) { return Key(Value(Value::object("A", {}))); },
      [](int i) {
        return Key(Value::object(
            "builtins.int", {{"little_endian", Value::Bytes{std::string(9, '\7') + std::to_string(i)}}}));
      },
  };
  for (const auto& make : kinds) {
    std::vector<Value::Entry> entries;
    std::set<size_t> places;
    for (int i = 0; i < kMany; ++i) {
      entries.push_back({make(i), i});
      places.insert(entries.back().key.hash() % (1 << 20));
    }
    CAPTURE(to_string(entries[1].key));
    REQUIRE(places.size() > kMany * 9 / 10);  // drawn at random it were 97.6 in 100
    CHECK(Value::dict(std::move(entries)).size() == size_t(kMany));
  }
}

TEST_CASE("value keys: what they are, and as text") {
  CHECK(to_string(Key("a\nb")) == "a\nb");
  CHECK(to_string(Key(-7)) == "-7");
  CHECK(to_string(Key(UINT64_MAX)) == "18446744073709551615");
  CHECK(to_string(Key(true)) == "True");
  CHECK(to_string(Key(Value())) == "None");
  CHECK(to_string(Key(Value(2.0))) == "2.0");
  CHECK(to_string(Key(Value(1e300))) == "1e+300");
  CHECK(to_string(bytes("a'\x01\xff")) == "b'a\\'\\x01\\xff'");
  CHECK(to_string(tuple({1, "a\"b", Value::tuple({}), Value::tuple({nullptr})})) ==
        "(1, \"a\\\"b\", (), (None,))");
  CHECK(to_string(Key(Value(tensor({1.f})))) == "tensor");
  CHECK(to_string(Key(Value::object("torch.device", {{"_args", Value::tuple({"cuda:0"})}}))) ==
        "torch.device(\"cuda:0\")");
  CHECK(Key(Value("a")).is_text());
  CHECK(Key(5).number() == 5);
  CHECK(Key(5).value().as_int() == 5);
  CHECK_THROWS_WITH(Key(5).text(), "value: a key that is a string was asked for, this is the int 5");
  CHECK_THROWS_WITH(Key("a").number(), "value: int was asked for, this is none");
  Value v = Value::dict();
  v[Key(Value(2.5))] = 1;
  v[tuple({1, 2})] = 2;
  CHECK(v[Key(Value(2.5))].as_int() == 1);
  CHECK(v.at("(1, 2)").as_int() == 2);
  CHECK(v.erase(tuple({1, 2})));
  CHECK(v.size() == 1);
  const Value same = Value::dict({{Key(Value(2.5)), 1}});
  CHECK(v == same);
  CHECK(v != Value::dict({{"2.5", 1}}));
  CHECK(Value::dict({{1, 1}}) != Value::dict({{true, 1}}));
  CHECK(Value::dict({{Key(Value(tensor({1.f}))), 1}}) == Value::dict({{Key(Value(tensor({1.f}))), 1}}));
  CHECK(Value::dict({{Key(Value(tensor({1.f}))), 1}}) != Value::dict({{Key(Value(tensor({2.f}))), 1}}));
}

TEST_CASE("value keys: names that could be taken for others are quoted") {
  const Tensor x = tensor({1.f});
  const Value value = Value::dict({{1, 0},
                                   {"1", 0},
                                   {"2", 0},
                                   {Key(Value()), 0},
                                   {"None", 0},
                                   {Key(Value(x)), 0},
                                   {Key(Value(tensor({2.f}))), 0},
                                   {"tensor", 0},
                                   {"tensor#2", 0},
                                   {"a", {{"b", 0}, {"c/d", 0}}},
                                   {"a/b", 0},
                                   {"e/f", 0},
                                   {"line\nbreak", 0},
                                   {"\"quoted\"", 0},
                                   {"high\xff", 0},
                                   {"\xc3\xa4", 0}});
  CHECK(paths_of(value) == std::vector<std::string>{"1", "\"1\"", "2", "None", "\"None\"", "tensor",
                                                    "tensor#2", "\"tensor\"", "\"tensor#2\"", "a", "a/b",
                                                    "a/c/d", "\"a/b\"", "e/f", "\"line\\nbreak\"",
                                                    "\"\\\"quoted\\\"\"", "\"high\\xff\"", "\xc3\xa4"});
  const Value state = {{"conv.weight", x}, {"conv", x}, {"\"q\"", x}, {"<p>", x}};
  CHECK(paths_of(state, '.') == std::vector<std::string>{"conv.weight", "conv", "\"q\"", "<p>"});
  const Value floats = Value::dict({{2, {{"5", 1}}}, {Key(Value(2.5)), 1}});
  CHECK(paths_of(floats, '.') == std::vector<std::string>{"2", "2.5", "<2.5>"});
  CHECK(paths_of(floats) == std::vector<std::string>{"2", "2/5", "2.5"});
}

TEST_CASE("value keys: what needs no quotes may have some, and the other way round") {
  Value value = {{"a/b", 1}, {"a", {{"c", 2}}}, {"x", 3}};
  CHECK(value.at("\"a/b\"").as_int() == 1);
  CHECK(value.at("a/b").as_int() == 1);  // nothing else can be meant
  CHECK(value.at("a/c").as_int() == 2);
  CHECK(value.at("\"x\"").as_int() == 3);
  value["a"]["b"] = 4;
  CHECK(value.at("a/b").as_int() == 4);
  CHECK(value.at("\"a/b\"").as_int() == 1);
  CHECK(value.find("\"a\"/b")->as_int() == 4);
  CHECK(value.find("\"") == nullptr);
  CHECK(value.find("<x>") == nullptr);
  CHECK(value.find("a/b/") == nullptr);
  CHECK(value.find("") == nullptr);
  value[""] = Value{{"", 5}};
  CHECK(value.at("/").as_int() == 5);
}

// Every path leads to one value, and it is the value that has it.
TEST_CASE("value keys: paths of random trees are one-to-one and spell back") {
  std::mt19937 random(7);
  const auto draw = [&](int n) { return int(random() % unsigned(n)); };
  const std::vector<Key> keys = {"a",
                                 "b",
                                 "a/b",
                                 "a.b",
                                 "1",
                                 1,
                                 "0",
                                 0,
                                 true,
                                 "True",
                                 "",
                                 "/",
                                 ".",
                                 "\"a\"",
                                 "\"",
                                 "<",
                                 "<1>",
                                 "@a",
                                 "@",
                                 "a\nb",
                                 "a\\nb",
                                 Key(Value()),
                                 "None",
                                 Key(Value(2.5)),
                                 "2.5",
                                 Key(Value(1e20)),
                                 bytes("a"),
                                 "b'a'",
                                 tuple({1, 2}),
                                 "(1, 2)",
                                 tuple({"a/b"}),
                                 "(\"a/b\")",
                                 tuple({1, Value::tuple({"x"})}),
                                 UINT64_MAX,
                                 "18446744073709551615",
                                 "tensor",
                                 "tensor#2",
                                 "\xff",
                                 "\\xff",
                                 "#2",
                                 "1#2",
                                 "[1]",
                                 Key(Value::list({1}))};
  const auto tree = [&](auto&& self, int depth) -> Value {
    if (depth == 0 || draw(4) == 0) return draw(2) == 0 ? Value(draw(100)) : Value(tensor({1.f}));
    if (draw(5) == 0) {
      std::vector<Value> items;
      for (int i = draw(3); i >= 0; --i) items.push_back(self(self, depth - 1));
      return draw(2) == 0 ? Value::list(std::move(items)) : Value::tuple(std::move(items));
    }
    Value made = Value::dict();
    for (int i = draw(7); i > 0; --i) {
      const int kind = draw(12);
      const Key key = kind == 0   ? Key(Value(tensor({2.f})))
                      : kind == 1 ? Key(Value::object("tensor", {}))
                                  : keys[size_t(draw(int(keys.size())))];
      made[key] = self(self, depth - 1);
    }
    if (draw(3) == 0) made.set_attributes({{"a", self(self, depth - 1)}, {"b.c/d", 1}, {"_metadata", 1}});
    return made;
  };
  size_t all = 0;
  for (int round = 0; round < 400; ++round) {
    Value value = tree(tree, 4);
    for (const char separator : {'/', '.'}) {
      std::set<std::string> seen;
      for (ValueWalk walk(value, separator); walk.next();) {
        if (walk.depth() == 0) continue;
        CAPTURE(walk.path());
        CHECK_MESSAGE(seen.insert(walk.path()).second, to_string(value));
        ++all;
        if (separator == '.') continue;
        CHECK(std::as_const(value).find(walk.path()) == &walk.value());
      }
    }
    std::vector<std::string> paths = paths_of(value);
    for (const std::string& path : paths) {
      Value* found = value.find(path);
      REQUIRE(found != nullptr);
      *found = Value("changed");
      CHECK(value.at(path).is_string());
      value = tree(tree, 3);
      break;
    }
  }
  CHECK(all > 10'000);
}

}  // namespace kiln
