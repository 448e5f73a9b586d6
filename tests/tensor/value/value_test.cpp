#include <kiln/tensor/value/value.h>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include <kiln/tensor/base/error.h>
#include <kiln/tensor/value/state_dict.h>

namespace kiln {
namespace {

std::string error_of(auto&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Value example() {
  return {{"model", StateDict{{"fc.weight", tensor({{1.f, 2.f}})}, {"fc.bias", tensor({1.f})}}},
          {"epoch", 7},
          {"best", 0.92},
          {"optimizer",
           {{"state", Value::dict({{0, {{"step", 3}}}, {1, {{"step", 4}}}})},
            {"param_groups", Value::list({{{"lr", 0.1}, {"betas", Value::tuple({0.9, 0.999})}}})}}}};
}

}  // namespace

TEST_CASE("value: literals") {
  const Value v = example();
  CHECK(v.is_dict());
  CHECK(v.size() == 4);
  CHECK(v["epoch"].as_int() == 7);
  CHECK(v["best"].as_float() == 0.92);
  CHECK(v["epoch"].as_float() == 7.0);
  CHECK(v["model"]["fc.bias"].as_tensor().item<float>() == 1.f);
  CHECK(v["optimizer"]["state"][1]["step"].as_int() == 4);
  CHECK(v["optimizer"]["param_groups"][0]["betas"][1].as_float() == 0.999);
  CHECK(Value("text").as_string() == "text");
  CHECK(Value(true).as_bool());
  CHECK(Value(Value::Bytes{std::string("a\0b", 3)}).is_bytes());
  CHECK(Value().is_none());
  CHECK(Value(nullptr).is_none());
  CHECK(Value(Tensor()).is_none());
  CHECK(Value(INT64_MIN).as_int() == INT64_MIN);
  CHECK(Value(uint8_t(255)).as_int() == 255);
  CHECK_THROWS_WITH(Value(UINT64_MAX), "value: 18446744073709551615 does not fit into an int of 64 bits");
  const Value one = {{"epoch", 7}};
  CHECK(one.size() == 1);
  const Value pair = {{"a", "b"}};
  CHECK(pair["a"].as_string() == "b");
  Value copy{v};
  CHECK(copy == v);
}

TEST_CASE("value: paths") {
  Value v = example();
  CHECK(v.at("optimizer/state/0/step").as_int() == 3);
  CHECK(v.at("optimizer/param_groups/0/betas/1").as_float() == 0.999);
  CHECK(v.find("optimizer/state/2") == nullptr);
  CHECK(v.find("epoch/x") == nullptr);
  CHECK(!v.contains("optimizer/param_groups/1"));
  v.at("optimizer/state/0/step") = 5;
  CHECK(v["optimizer"]["state"][0]["step"].as_int() == 5);
  v["a/b"] = 1;
  CHECK(v.at("a/b").as_int() == 1);
  CHECK(error_of([&] { v.at("optimizer/param_groups/0/weight_decay"); }) ==
        "value: there is no 'weight_decay' in 'optimizer/param_groups/0', which has 'lr', 'betas'");
  CHECK(error_of([&] { v.at("optimizer/param_groups/3/lr"); }) ==
        "value: there is no '3' in 'optimizer/param_groups', a list of 1");
  CHECK(error_of([&] { v.at("epoch/x"); }) == "value: there is no 'x' in 'epoch', which is 7");
  CHECK(error_of([&] { v.at("modle"); }) ==
        "value: there is no 'modle', which has 'model', 'epoch', 'best', 'optimizer', 'a/b'");
  const std::string long_name = std::string(59, 'x') + "\u00e9" + std::string(5000, 'y');
  CHECK(error_of([&] {
          Value({{long_name, 1}}).at("x");
        }) == "value: there is no 'x', which has '" + std::string(59, 'x') + "...'");
}

TEST_CASE("value: kinds are checked") {
  const Value v = example();
  CHECK(error_of([&] { v["epoch"].as_string(); }) == "value: string was asked for, this is 7");
  CHECK(error_of([&] { v["best"].as_int(); }) == "value: int was asked for, this is 0.92");
  CHECK(error_of([&] { v["model"]["fc.bias"].items(); }) == "value: list was asked for, this is float32 [1]");
  CHECK(error_of([&] { v["nothing"]; }) == "value: there is no 'nothing' in a dict of 4");
  CHECK(error_of([&] { v["epoch"][0]; }) == "value: there is no '0' in 7");
  CHECK(error_of([&] { Value::list({1})[1]; }) == "value: there is no '1' in a list of 1");
  CHECK(error_of([&] { Value{{"a", 1}, {"a", 2}}; }) == "value: the key 'a' is given twice");
  CHECK(Value::dict({{"1", 1}, {1, 2}}).size() == 2);
}

TEST_CASE("value: changing") {
  Value v;
  v["a"]["b"] = 1;
  v["a"][5] = "five";
  v["list"] = Value::list();
  v["list"].push_back(1);
  v["list"].push_back(Value::tuple({true, nullptr}));
  CHECK(to_string(v) ==
        "a: dict of 2\n"
        "  b: 1\n"
        "  5: \"five\"\n"
        "list: list of 2\n"
        "  0: 1\n"
        "  1: (true, none)");
  CHECK(v.erase("a"));
  CHECK(!v.erase("a"));
  CHECK(v.size() == 1);
  Value copy = v;
  copy["list"][0] = 2;
  CHECK(v["list"][0].as_int() == 1);
  Value& self = v["list"];
  v = self;
  CHECK(v.is_list());
}

TEST_CASE("value: equality") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(example() == example());
  CHECK(Value(nan) == Value(nan));
  CHECK(Value(1) != Value(1.0));
  CHECK(Value(1) != Value(true));
  CHECK(Value::list({1}) != Value::tuple({1}));
  CHECK(Value("a") != Value(Value::Bytes{"a"}));
  CHECK(Value{{"a", 1}, {"b", 2}} != Value{{"b", 2}, {"a", 1}});
  CHECK(Value(tensor({1.f, 2.f})) == Value(tensor({1.f, 2.f})));
  CHECK(Value(tensor({1.f, 2.f})) != Value(tensor({1.0, 3.0})));
  CHECK(Value(tensor({{1.f, 2.f}})) != Value(tensor({1.f, 2.f})));
  const Tensor x = tensor({{1.f, 2.f}, {3.f, 4.f}});
  const Tensor transposed = from_storage(x.impl()->storage, float32, x.layout().transpose(0, 1));
  CHECK(Value(transposed) == Value(tensor({{1.f, 3.f}, {2.f, 4.f}})));
  CHECK(Value(transposed) != Value(x));
}

TEST_CASE("value: state dicts") {
  const Value v = example();
  const StateDict state = v["model"].as_state_dict();
  CHECK(state.size() == 2);
  CHECK(state.at("fc.weight").is_same(v.at("model/fc.weight").as_tensor()));
  CHECK(state.with_prefix("fc.").contains("bias"));
  CHECK(error_of([&] { state.at("fc.wight"); }) ==
        "state dict: there is no 'fc.wight' among the 2 entries ('fc.weight' .. 'fc.bias')");
  CHECK(error_of([&] { v.as_state_dict(); }).starts_with("value: a state dict holds tensors, 'model' is "));
}

TEST_CASE("value: objects") {
  const Tensor weight = tensor({1.0, 2.0});
  const Value module = Value::object("models.Net", {{"fc.weight", weight}});
  CHECK(module.is_object());
  CHECK(module.type() == "models.Net");
  CHECK(module.size() == 1);
  CHECK(module.at("fc.weight").as_tensor().is_same(weight));
  CHECK(module.as_state_dict().contains("fc.weight"));
  Value copy = module;
  CHECK(copy == module);
  CHECK_FALSE(copy == Value::object("models.Other", {{"fc.weight", weight}}));
  CHECK_FALSE(copy == Value({{"fc.weight", weight}}));
  CHECK(to_string(Value({{"net", module}})) == "net: models.Net of 1\n  fc.weight: float32 [2]");
  CHECK_THROWS_WITH(copy["bias"], "value: there is no 'bias' in an object of 1");
  CHECK_THROWS_WITH(Value::object("A", {{"x", 1}, {"x", 2}}), "value: the key 'x' is given twice");
  CHECK_THROWS(Value(3).type());
}

TEST_CASE("value: a deep tree is copied, compared, shown and freed without recursion") {
  Value v = 7;
  for (int i = 0; i < 1000000; ++i) {
    std::vector<Value> items;
    items.push_back(std::move(v));
    if (i % 3 == 0) {
      v = Value::dict();
      v["key"] = std::move(items[0]);
    } else {
      v = Value::list(std::move(items));
    }
  }
  CHECK(v.size() == 1);
  Value copy = v;
  CHECK(copy == v);
  Value* innermost = &copy;
  while (innermost->kind() >= Value::Kind::list)
    innermost = innermost->is_dict() ? &(*innermost)["key"] : &innermost->items()[0];
  *innermost = 8;
  CHECK_FALSE(copy == v);
  CHECK(v.tensors().empty());
  CHECK(to_string(v).size() < 100'000);
}

TEST_CASE("value: attributes of a dict") {
  Value state = {{"weight", tensor({1.0})}};
  CHECK(state.attributes().is_none());
  state.set_attributes({{"_metadata", Value({{"", Value({{"version", 1}})}})}});
  const Value copy = state;
  CHECK(copy.attributes().at("_metadata").entries()[0].value.at("version").as_int() == 1);
  CHECK(copy.size() == 1);
  CHECK(copy == Value({{"weight", copy.at("weight")}}));
  CHECK_THROWS_WITH(state.set_attributes(3), "value: dict was asked for, this is 3");
  CHECK_THROWS(Value(3).attributes());
}

TEST_CASE("value: all tensors, to read and to change") {
  const Tensor a = tensor({1.0}), b = tensor({2.0});
  Value v = {{"x", a}, {"y", Value::list({1, b, Value::tuple({a})})}, {"z", Value::object("A", {{"w", b}})}};
  const std::vector<const Tensor*> found = std::as_const(v).tensors();
  REQUIRE(found.size() == 4);
  CHECK(found[0]->is_same(a));
  CHECK(found[1]->is_same(b));
  CHECK(found[2]->is_same(a));
  CHECK(found[3]->is_same(b));
  *v.tensors()[2] = b;
  CHECK(v.at("y/2/0").as_tensor().is_same(b));
  CHECK(std::as_const(v).at("x").tensors().size() == 1);
}

template <class T>
constexpr bool kFindsInTemporaries = requires(T (&make)()) {
  make().find("name");
};

TEST_CASE("value: the parts of a temporary live on") {
  const auto loaded = [] {
    return Value({{"name", std::string(100, 'x')},
                  {"list", Value::list({1, std::string(100, 'y')})},
                  {"net", Value({{"weight", tensor({2.0})}})},
                  {"object", Value::object("A" + std::string(100, 'z'), {})}});
  };
  int64_t entries = 0;
  for (const auto& [key, value] : loaded().entries()) entries += int64_t(key.text().size());
  CHECK(entries == 17);
  for (const Value& item : loaded().at("list").items()) CHECK(item.kind() != Value::Kind::none);
  const Value& net = loaded()["net"];
  CHECK(net.at("weight").as_tensor().item<float>() == 2);
  const std::string &text = loaded().at("list/1").as_string(), &type = loaded().at("object").type();
  CHECK(text == std::string(100, 'y'));
  CHECK(type.size() == 101);
  const Tensor& weight = loaded().at("net").as_state_dict().at("weight");
  CHECK(weight.item<float>() == 2);
  for (const auto& [name, tensor] : loaded().at("net").as_state_dict()) CHECK(tensor.defined());
  CHECK_THROWS_WITH(loaded().at("name/x"), doctest::Contains("there is no 'x'"));
  CHECK_THROWS_WITH(loaded().at("name").items(), doctest::Contains("list was asked for"));
  static_assert(!kFindsInTemporaries<Value> && !kFindsInTemporaries<StateDict>);
}

}  // namespace kiln
