#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <mutex>

#include <kiln/io/bytes/json.h>
#include <kiln/serve/routes/authority.h>
#include <kiln/serve/routes/http_error.h>

#include "serve/support/toy.h"
#include "support/client.h"
#include "support/files.h"

namespace kiln {
namespace {

using test::body_of;
using test::contains;
using test::get;
using test::post;
using test::status_of;

const std::string kPng = "Content-Type: image/png\r\n";

Value json_of(const std::string& answer) { return io::parse_json(body_of(answer), "answer", 16); }

std::string form(const std::string& parts) {
  return post("/predict", parts, "Content-Type: multipart/form-data; boundary=\"b b\"\r\n");
}

}  // namespace

TEST_CASE("predict: a picture gives the likeliest classes") {
  test::ToyServer server;
  const Value answer = json_of(test::ask(server.port(), post("/predict?top=2&heat=1", "3", kPng)));
  CHECK(answer.at("version") == Value("1"));
  CHECK(answer.at("top").size() == 2);
  CHECK(answer.at("top/0/name") == Value("cat"));
  CHECK(answer.at("top/0/index") == Value(2));
  CHECK(answer.at("top/0/probability").as_float() == doctest::Approx(1.0));
  CHECK(answer.at("timing/batch") == Value(1));
  CHECK(answer.at("heat_map/0/0").as_float() == doctest::Approx(0.188));
  CHECK(json_of(test::ask(server.port(), post("/predict", "3", kPng))).at("heat_map").is_none());
  CHECK(
      contains(test::ask(server.port(), post("/predict", "0", kPng)), "the picture cannot be read: decode"));
  CHECK(status_of(test::ask(server.port(), post("/predict", "3"))) == 415);
  CHECK(status_of(test::ask(server.port(), post("/predict", "3", "Content-Type: image/tiff\r\n"))) == 415);
  for (const char* most : {"0", "-1", "1001", "x", "1x", "99999999999999999999"})
    CHECK(status_of(test::ask(server.port(), post(std::string("/predict?top=") + most, "3", kPng))) == 400);
}

TEST_CASE("predict: a picture in a form") {
  test::ToyServer server;
  const std::string file = "Content-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\n\r\n";
  const std::string text = "Content-Disposition: form-data; name=\"t\"\r\n\r\n";
  for (const std::string& good : {"--b b\r\n" + file + "5\r\n--b b--\r\n",
                                  fmt::format("--b b\r\n{}x\r\n--b b\r\n{}5\r\n--b b--", text, file),
                                  "--b b\r\n" + text + "5\r\n--b b--"})
    CHECK(status_of(test::ask(server.port(), form(good))) == 200);
  std::string loop = "--b b";
  for (int i = 0; i < 1000; ++i) loop += fmt::format("\r\n{}\r\n--b b", text);
  std::string nearly = "--b b\r\n" + file;  // almost boundaries
  for (int i = 0; i < 100000; ++i) nearly += "\r\n--b ";
  for (const std::string& bad :
       {std::string(), std::string("5"), std::string("--b b"), std::string("--b b--"),
        "--b b\r\n" + file + "5", "--b b\r\n" + std::string(9000, 'a'), loop, nearly, "--b bX" + file})
    CHECK(status_of(test::ask(server.port(), form(bad))) == 400);
  CHECK(status_of(test::ask(server.port(), post("/predict", "5", "Content-Type: multipart/form-data\r\n"))) ==
        400);
  CHECK(status_of(test::ask(server.port(), post("/predict", "5",
                                                "Content-Type: multipart/form-data; boundary=" +
                                                    std::string(71, 'b') + "\r\n"))) == 400);
}

TEST_CASE("metrics: Prometheus' text, and the log without pictures") {
  std::mutex mutex;
  std::vector<std::string> lines;
  serve::ServiceOptions options;
  options.log = [&](const std::string& line) {
    const std::scoped_lock lock(mutex);
    lines.push_back(line);
  };
  test::ToyServer server(options);
  test::ask(server.port(), post("/predict", "3", kPng));
  test::ask(server.port(), get("/no"));
  const std::string text = body_of(test::ask(server.port(), get("/metrics")));
  for (const char* line :
       {"kiln_requests_total{code=\"200\"} 1\n", "kiln_requests_total{code=\"404\"} 1\n",
        "kiln_batch_rows_bucket{le=\"1\"} 1\n", "kiln_batch_rows_count 1\n", "kiln_inferences_total 1\n",
        "kiln_model_info{model=\"toy\",version=\"1\"} 1\n", "kiln_request_seconds_bucket{le=\"+Inf\"} 2\n"})
    CHECK_MESSAGE(contains(text, line), text);
  const std::scoped_lock lock(mutex);
  REQUIRE(lines.size() == 3);
  const Value line = io::parse_json(lines[0], "line", 2);
  CHECK(line.at("path") == Value("/predict"));
  CHECK(line.at("status") == Value(200));
  CHECK(line.at("version") == Value("1"));
  CHECK(line.at("bytes_in") == Value(1));
  CHECK(line.at("peer") == Value("127.0.0.1"));
}

TEST_CASE("authority: who may roll back") {
  const auto refused = [](const serve::Fields& fields, const std::string& token, bool is_loopback = true,
                          const std::string& peer = "127.0.0.1") {
    serve::Request request = {.method = "POST", .path = "/rollback", .fields = fields, .peer = peer};
    request.is_loopback = is_loopback;
    try {
      serve::check_authority(request, token);
      return 0;
    } catch (const serve::HttpError& error) {
      return error.status;
    }
  };
  using Field = serve::Fields::value_type;
  const Field type = {"content-type", "application/json"}, host = {"host", "localhost:80"};
  CHECK(refused({type, host}, "") == 0);
  CHECK(refused({host}, "") == 415);
  CHECK(refused({type, host}, "", false) == 403);
  CHECK(refused({type, {"host", "evil.example"}}, "") == 403);
  CHECK(refused({type, host, {"origin", "http://evil.example"}}, "") == 403);
  CHECK(refused({type, host, {"origin", "http://localhost:80"}}, "") == 0);
  CHECK(refused({type, host, {"x-forwarded-for", "10.0.0.1"}}, "") == 403);
  const std::string token = "0123456789abcdef";
  CHECK(refused({type, host}, token) == 401);
  CHECK(refused({type, host, {"authorization", "Bearer " + token}}, token, false) == 0);
  CHECK(refused({type, host, {"authorization", "Bearer 0123456789abcdeF"}}, token) == 401);
  CHECK(refused({type, host, {"authorization", "Bearer "}}, token) == 401);
  CHECK(refused({type, host, {"authorization", token}}, token) == 401);
  CHECK(refused({type}, token, true, "unix") == 0);
  CHECK(serve::is_equal_secret("", ""));
  CHECK(!serve::is_equal_secret("a", ""));
}

TEST_CASE("authority: the file of a token") {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("token", "0123456789abcdef\n");
  std::filesystem::permissions(path, std::filesystem::perms(0600));
  CHECK(serve::read_token(path) == "0123456789abcdef");
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  CHECK(contains(test::error_of([&] { serve::read_token(path); }), "chmod 600"));
  const std::string empty = folder.write("short", "\n");
  std::filesystem::permissions(empty, std::filesystem::perms(0600));
  CHECK(contains(test::error_of([&] { serve::read_token(empty); }), "at least 16"));
}

}  // namespace kiln
