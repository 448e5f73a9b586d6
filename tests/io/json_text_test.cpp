#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <kiln/autograd/ops.h>
#include <kiln/io/bytes/json.h>
#include <kiln/tensor/tensor.h>
#include <support/files.h>

using namespace kiln;

TEST_CASE("a value as JSON text, and back") {
  const Value value = {{"name", "caf\u00e9 \"x\"\n"},
                       {"count", int64_t(1) << 60},
                       {"rate", 0.1},
                       {"on", true},
                       {"none", nullptr},
                       {"list", Value::list({1, 2.5, "x", Value::list(), Value::dict()})}};
  const std::string text = io::json_text(value);
  CHECK(text ==
        "{\"name\":\"caf\u00e9 "
        "\\\"x\\\"\\n\",\"count\":1152921504606846976,\"rate\":0.1,\"on\":true,\"none\":null,"
        "\"list\":[1,2.5,\"x\",[],{}]}");
  CHECK(io::parse_json(text, "it", 8) == value);
  CHECK(io::parse_json(io::json_text(value, 2), "it", 8) == value);
}

TEST_CASE("what JSON has no words for") {
  CHECK(io::json_text(Value::list({std::numeric_limits<double>::infinity(), NAN})) == "[null,null]");
  CHECK(io::json_text({{7, "seven"}}) == "{\"7\":\"seven\"}");
  CHECK(io::json_text("\xff") == "\"\ufffd\"");
  CHECK(test::error_of([] { io::json_text(Value(zeros({2}))); }) == "JSON has no tensor");
  CHECK(test::error_of([] { io::json_text(Value(Value::Bytes{"x"})); }) == "JSON has no bytes");
}
