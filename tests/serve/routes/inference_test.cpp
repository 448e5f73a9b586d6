#include <doctest/doctest.h>

#include <cstring>

#include <kiln/io/bytes/json.h>

#include "serve/support/toy.h"
#include "support/client.h"
#include "support/files.h"

// The Open Inference Protocol, with Triton's extensions.

namespace kiln {
namespace {

using test::body_of;
using test::contains;
using test::get;
using test::post;
using test::status_of;
using test::Toy;

const std::vector<float> kX = {1, 2, 3, 4};

Value json_of(const std::string& answer) { return io::parse_json(body_of(answer), "answer", 16); }

std::vector<float> numbers(const Value& list) {
  std::vector<float> all;
  for (const Value& item : list.items()) all.push_back(float(item.as_float()));
  return all;
}

struct Asked : test::ToyServer {
  std::string infer(const std::string& json, const std::string& fields = "") const {
    return test::ask(port(), post("/v2/models/toy/infer", json, fields));
  }
  std::string get_json(const std::string& path) const { return test::ask(port(), get(path)); }
};

}  // namespace

TEST_CASE("oip: metadata, health and the index") {
  Asked server;
  CHECK(json_of(server.get_json("/v2")).at("name") == Value("kiln"));
  CHECK(status_of(server.get_json("/v2/health/live")) == 200);
  CHECK(json_of(server.get_json("/v2/health/ready")).at("ready") == Value(true));
  for (const char* path : {"/v2/models/toy", "/v2/models/toy/versions/1"}) {
    const Value model = json_of(server.get_json(path));
    CHECK(model.at("inputs/0/shape") == Value::list({-1, 4}));
    CHECK(model.at("outputs/0/shape") == Value::list({-1, 3}));
    CHECK(model.at("versions/0") == Value("1"));
  }
  for (const char* path : {"/v2/models/toy/ready", "/v2/models/toy/versions/1/ready", "/v2/models/toy/stats"})
    CHECK(status_of(server.get_json(path)) == 200);
  for (const char* path :
       {"/v2/models/no", "/v2/models/toy/versions/2", "/v2/models/", "/v2/", "/x", "/v2/models/toy/x"})
    CHECK(status_of(server.get_json(path)) == 404);
  const Value index = json_of(test::ask(server.port(), post("/v2/repository/index", "{}")));
  CHECK(index.at("0/state") == Value("READY"));
  const std::string wrong = test::ask(server.port(), get("/v2/models/toy/infer"));
  CHECK(status_of(wrong) == 405);
  CHECK(contains(wrong, "Allow: POST, OPTIONS\r\n"));
  const std::string options = test::ask(server.port(), "OPTIONS /v2 HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(status_of(options) == 204);
  CHECK(contains(options, "Allow: GET, HEAD, OPTIONS\r\n"));
}

TEST_CASE("oip: a tensor in JSON, flat or nested, and its answer") {
  Asked server;
  for (const char* data : {"[1,2,3,4]", "[[1,2,3,4]]", "[1.0,[2e0],[[3],4]]"}) {
    const Value answer = json_of(
        server.infer(R"({"id":"a\"b","inputs":[{"name":"input","shape":[1,4],"datatype":"FP32","data":)" +
                     std::string(data) + "}]}"));
    CHECK(answer.at("id") == Value("a\"b"));
    CHECK(answer.at("model_version") == Value("1"));
    CHECK(answer.at("outputs/0/shape") == Value::list({1, 3}));
    CHECK(numbers(answer.at("outputs/0/data")) == Toy::expected(1, kX));
  }
  const Value classes =
      json_of(server.infer(R"({"inputs":[{"name":"input","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}],)"
                           R"("outputs":[{"name":"scores","parameters":{"classification":2}}]})"));
  CHECK(classes.at("outputs/0/datatype") == Value("BYTES"));
  CHECK(classes.at("outputs/0/data") == Value::list({"70.000000:2:cat", "50.000000:1:bee"}));
}

TEST_CASE("oip: binary tensors both ways") {
  Asked server;
  const std::string json =
      R"({"inputs":[{"name":"input","shape":[1,4],"datatype":"FP32","parameters":{"binary_data_size":16}}],)"
      R"("parameters":{"binary_data_output":true}})";
  const std::string raw(reinterpret_cast<const char*>(kX.data()), 16);
  const std::string field = "Inference-Header-Content-Length: " + std::to_string(json.size()) + "\r\n";
  const std::string answer = server.infer(json + raw, field);
  REQUIRE(status_of(answer) == 200);
  CHECK(contains(answer, "Content-Type: application/octet-stream\r\n"));
  const std::string body = body_of(answer);
  std::vector<float> scores(3);
  std::memcpy(scores.data(), body.data() + body.size() - 12, 12);
  CHECK(scores == Toy::expected(1, kX));
  CHECK(contains(answer, "Inference-Header-Content-Length: " + std::to_string(body.size() - 12) + "\r\n"));
  for (const std::string& bad : {json + raw.substr(1), json + raw + "x", json})
    CHECK(status_of(server.infer(bad, field)) == 400);
  CHECK(status_of(server.infer(json, "Inference-Header-Content-Length: 9999\r\n")) == 400);
  CHECK(status_of(server.infer(json, "Inference-Header-Content-Length: -1\r\n")) == 400);
}

TEST_CASE("oip: what is no request") {
  Asked server;
  const auto with = [](const char* shape, const char* rest) {
    return R"({"inputs":[{"name":"input","shape":)" + std::string(shape) + R"(,"datatype":"FP32",)" + rest +
           "}]}";
  };
  const std::string data = R"("data":[1,2,3,4])";
  const std::pair<std::string, const char*> kBad[] = {
      {"", "not valid JSON"},
      {"[1]", "'inputs' is missing"},
      {"{\"inputs\":[]}", "one input"},
      {"{\"inputs\":{}}", "'inputs' is dict"},
      {"{\"inputs\":[5]}", "'name' is missing"},
      {std::string(40, '[') + std::string(40, ']'), "nested deeper than 32"},
      {with("[1,4]", "\"data\":[1,2,3]"), "'data' has 3 numbers"},
      {with("[1,4]", "\"data\":[1,2,3,4,5]"), "more numbers than"},
      {with("[1,4]", "\"data\":[1,2,3,\"x\"]"), "'data' has a str"},
      {with("[1,4]", "\"data\":[1,2,3,1e999]"), "the body"},
      {with("[1,4]", "\"data\":[1,2,3,1e200]"), "not finite"},
      {with("[1,5]", data.c_str()), "the model takes"},
      {with("[0,4]", data.c_str()), "0 samples at once"},
      {with("[9,4]", data.c_str()), "9 samples at once"},
      {with("[-1,4]", data.c_str()), "'shape' is -1"},
      {with("[4611686018427387904,4]", data.c_str()), "give 0 to"},
      {with("[1,1,1,1,1,1,1,1,1,1]", data.c_str()), "10 sizes"},
      {with("[1.5,4]", data.c_str()), "give an int"},
      {with("4", data.c_str()), "'shape' is int"},
      {with("[1,4]", "\"parameters\":{\"binary_data_size\":-16}"), "binary_data_size is -16"},
      {with("[1,4]", "\"parameters\":{\"binary_data_size\":16}"), "0 bytes of 16"},
      {with("[1,4]", "\"parameters\":[]"), "'parameters' is list"},
      {R"({"id":5,"inputs":[{}]})", "'id' is int"},
      {R"({"id":"1","id":"2"})", "refused"},
  };
  for (const auto& [body, why] : kBad) {
    CAPTURE(body);
    const std::string answer = server.infer(body);
    CHECK(status_of(answer) == 400);
    CHECK_MESSAGE(contains(answer, why), answer);
  }
  const std::string good = test::infer_json(kX);
  for (const char* classes : {"0", "1001", "-1", "\"2\""}) {
    const std::string body = good.substr(0, good.size() - 1) +
                             R"(,"outputs":[{"name":"scores","parameters":{"classification":)" + classes +
                             "}}]}";
    CHECK(status_of(server.infer(body)) == 400);
  }
  // Triton's CVE-2025-33201 and CVE-2026-24146: counts before anything is made for them.
  for (const int count : {2, 17, 100000}) {
    std::string outputs = good.substr(0, good.size() - 1) + ",\"outputs\":[";
    for (int i = 0; i < count; ++i) outputs += std::string(i == 0 ? "" : ",") + "{\"name\":\"scores\"}";
    const int status = status_of(server.infer(outputs + "]}"));
    CHECK(status == (count > 1000 ? 413 : 400));
  }
  // CVE-2025-23319: names of memory that become handles. There is no such extension.
  const std::string shared =
      with("[1,4]", R"("parameters":{"shared_memory_region":"x","shared_memory_byte_size":16})");
  CHECK(contains(server.infer(shared), "'data' is missing"));
  for (const char* path : {"/v2/systemsharedmemory/status", "/v2/cudasharedmemory/region/x/register",
                           "/v2/logging", "/v2/trace/setting"})
    for (const std::string& request : {get(path), test::post(path, "{}")})
      CHECK(status_of(test::ask(server.port(), request)) == 404);
  std::string many = "{\"inputs\":[";
  for (int i = 0; i < 5000; ++i) many += "1,";
  CHECK(status_of(server.infer(many + "1]}")) == 413);
  CHECK(status_of(server.infer(good)) == 200);
}

}  // namespace kiln
