#include <doctest/doctest.h>

#include <thread>
#include <utility>

#include <kiln/tensor/value/value_tensors.h>
#include <kiln/tensor/value/value_walk.h>

// Copies of a value share memory until one of them is changed. Nobody may see that.

namespace kiln {
namespace {

Value example() {
  return {{"a", Value::list({1, 2, Value::list({3})})},
          {"b", {{"c", "text"}, {"t", tensor({1.f, 2.f})}}},
          {"d", Value::object("A", {{"x", Value::Bytes{"y"}}})}};
}

}  // namespace

TEST_CASE("value: a copy is not changed by what happens to the other, nor by references taken before") {
  const Value original = example();
  Value a = original;
  CHECK(&std::as_const(a).at("b/c").as_string() == &original.at("b/c").as_string());  // shared
  a["a"][0] = 7;
  a.at("b/c") = "other";
  a["new"] = 1;
  CHECK(original == example());
  CHECK(a.at("a/0").as_int() == 7);

  Value b = example();
  auto& items = b["a"].items();
  auto& inner = b.at("a/2").items();
  Value& text = b.at("b/c");
  const Value copy = b;
  items[0] = 8;
  inner[0] = 9;
  text = "changed";
  CHECK(copy == example());
  CHECK(b.at("a/0").as_int() == 8);
  CHECK(b.at("a/2/0").as_int() == 9);
  CHECK(b.at("b/c").as_string() == "changed");

  Value c = original;
  for (auto& [key, value] : c.entries()) value = 0;
  CHECK(c.at("a").as_int() == 0);
  CHECK(original == example());
  Value d = original;
  *d.tensors()[0] = tensor({5.f});
  CHECK(original == example());
  CHECK(d.at("b/t").as_tensor().item<float>() == 5.f);
  Value e = original;
  Value& self = e.at("b");
  e = self;
  CHECK(e.at("c").as_string() == "text");
}

TEST_CASE("value: of a temporary that shares, the parts are copies") {
  const Value original = example();
  CHECK(Value(original).at("b/c").as_string() == "text");
  for (auto& [key, value] : Value(original).entries()) CHECK(!value.is_none());
  CHECK(Value(original.at("a")).items().size() == 3);
  CHECK(Value(original.at("b/c")).as_string() == "text");
  CHECK(Value(original.at("d/x")).as_bytes() == "y");
  CHECK(original == example());
}

TEST_CASE("value: attributes of every kind that has them") {
  const Tensor x = tensor({1.f, 2.f});
  for (Value value :
       {Value(x), Value::list({1}), Value::tuple({1}), Value::dict({{"k", 1}}), Value::object("A", {})}) {
    CHECK(value.attributes().is_none());
    const Value bare = value;
    value.set_attributes({{"scale", x}, {"kind", "nf4"}});
    CHECK(bare.attributes().is_none());
    CHECK(value != bare);
    Value copy = value;
    CHECK(copy == value);
    CHECK(copy.at("@kind").as_string() == "nf4");
    copy.at("@kind") = "fp4";
    CHECK(value.at("@kind").as_string() == "nf4");
    CHECK(copy != value);
    CHECK(value.tensors().size() == (value.is_tensor() ? 2u : 1u));
    std::string seen;
    for (ValueWalk walk(value, '/'); walk.next();) seen += walk.path() + " ";
    CHECK(seen.find("@scale @kind ") != std::string::npos);
    value.set_attributes(Value::object("B", {{"scale", x}, {"kind", "nf4"}}));
    CHECK(value.attributes().type() == "B");
    value.set_attributes(nullptr);
    CHECK(value == bare);
  }
  CHECK_THROWS_WITH(Value(3).set_attributes({{"a", 1}}), "value: dict was asked for, this is 3");
  Value state = {{"w", x}};
  const Value bare = state;
  state.set_attributes({{"_metadata", {{"version", 1}}}, {"__metadata__", {{"k", "v"}}}});
  CHECK(state == bare);
  Value named = x;
  named.set_attributes({{"absmax", x}});
  CHECK(to_string(Value{{"w", named}}) == "w: float32 [2]\n  @absmax: float32 [2]");
  CHECK(to_string(named) == "float32 [2]\n@absmax: float32 [2]");
}

TEST_CASE("value: what refers to one part a million times costs one part") {
  std::vector<Value> items(1000, Value("text"));
  Value value = Value::list(std::move(items));
  for (int level = 0; level < 40; ++level) value = Value::list({value, value});  // 2^40 lists in all
  Value copy = value;
  CHECK(copy.size() == 2);
  int calls = 0;
  Value tensors = Value::list({tensor({1.f})});
  for (int level = 0; level < 40; ++level) tensors = Value::list({tensors, tensors});
  const Value before = tensors;
  replace_tensors(tensors, [&](const Tensor&) { return ++calls, tensor({2.f}); });
  CHECK(calls == 1);
  const Value *here = &tensors, *there = &before;
  for (int level = 0; level < 40; ++level) here = &here->items()[level % 2], there = &there->items()[0];
  CHECK(here->items()[0].as_tensor().item<float>() == 2.f);
  CHECK(there->items()[0].as_tensor().item<float>() == 1.f);
}

TEST_CASE("value: a deep chain of attributes costs no stack") {
  Value value = tensor({1.f});
  for (int level = 0; level < 200'000; ++level) {
    Value next = tensor({1.f});
    next.set_attributes({{"next", std::move(value)}});
    value = std::move(next);
  }
  Value copy = value;
  copy.at("@next") = 1;
  CHECK(copy.at("@next").as_int() == 1);
}

TEST_CASE("value: threads may copy and change copies of one value") {
  const Value original = example();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        Value copy = original;
        copy["a"][0] = t;
        copy.at("b/c") = "x";
        const Value again = copy;
        if (again.at("a/0").as_int() != t) std::abort();
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(original == example());
}

}  // namespace kiln
