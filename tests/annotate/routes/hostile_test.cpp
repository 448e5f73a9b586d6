#include <doctest/doctest.h>

#include <filesystem>

#include <kiln/annotate/labels/picture.h>
#include <kiln/tensor/fmt.h>

#include "annotate/support/photos.h"
#include "support/client.h"

namespace kiln {
namespace {

using annotate::id_of;
using test::AnnotateServer;
using test::ask;
using test::call;
using test::contains;
using test::Photos;
using test::status_of;
using test::work;

const std::string kA = id_of("a.png");
const std::string kJson = "Content-Type: application/json\r\n";

annotate::AnnotatorOptions options_of(const Photos& photos, const std::string& token = "") {
  return {.folder = photos.path(),
          .labels = "",
          .classes = {"cat", "dog"},
          .data = "",
          .from_folders = false,
          .draws_boxes = false,
          .token = token};
}

std::string put(const std::string& fields, const std::string& host = "localhost") {
  const std::string body = work(0, R"("cat")");
  return fmt::format("PUT /api/labels/{} HTTP/1.1\r\nHost: {}\r\n{}Content-Length: {}\r\n\r\n{}", kA, host,
                     fields, body.size(), body);
}
std::string get(const std::string& path, const std::string& host, const std::string& fields = "") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}\r\n", path, host, fields);
}

}  // namespace

TEST_CASE("annotate: pages of other places are refused, by whatever name they call this machine") {
  const Photos photos(1);
  AnnotateServer server(options_of(photos));
  const int port = server.port();
  const std::string name = fmt::format("localhost:{}", port);
  const struct {
    std::string request;
    int status;
  } rows[] = {
      {put(kJson, "evil.example"), 403},  // DNS that leads here
      {put(kJson, fmt::format("evil.example:{}", port)), 403},
      {get("/api/pictures", "evil.example"), 403},
      {get("/api/picture/" + kA, "evil.example"), 403},
      {get("/", "evil.example"), 403},
      {put(kJson + "Origin: http://evil.example\r\n"), 403},
      {put(kJson + "Origin: null\r\n"), 403},
      {put(kJson + "Origin: http://localhost:1\r\n", name), 403},
      {put(kJson + "Sec-Fetch-Site: cross-site\r\n"), 403},
      {get("/api/picture/" + kA, name, "Sec-Fetch-Site: cross-site\r\n"), 403},  // an <img> elsewhere
      {get("/api/picture/" + kA, name, "Sec-Fetch-Site: same-site\r\n"), 403},   // of another port
      {put(kJson + "X-Forwarded-For: 10.0.0.1\r\n"), 403},
      {put(""), 415},
      {put("Content-Type: text/plain\r\n"), 415},
      {put("Content-Type: application/x-www-form-urlencoded\r\n"), 415},
      {get("/", name, "Sec-Fetch-Site: cross-site\r\n"), 200},  // a link to the page
      {get("/api/picture/" + kA, name, "Sec-Fetch-Site: same-origin\r\n"), 200},
      {put(kJson + "Origin: http://" + name + "\r\nSec-Fetch-Site: same-origin\r\n", name), 200},
  };
  for (const auto& [request, status] : rows) {
    const std::string answer = ask(port, request);
    CHECK_MESSAGE(status_of(answer) == status, request, answer);
  }
}

TEST_CASE("annotate: nothing outside of the folder") {
  const test::TemporaryFolder outside;
  const Photos photos(1);
  outside.write("secret.png", test::read_file(photos / "a.png"));
  std::filesystem::create_symlink(outside / "secret.png", photos / "link.png");
  photos.write("labels.jsonl", "{\"classes\":[]}\n{\"path\":\"" + outside.path() +
                                   "/secret.png\"}\n{\"path\":\"../x.png\"}\n{\"path\":\"link.png\"}\n");
  AnnotateServer server(options_of(photos));
  const int port = server.port();
  for (const char* path :
       {"/api/picture/..%2fa.png", "/api/picture/../../etc/passwd",
        "/api/picture/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/etc/passwd", "/api/picture//etc/passwd",
        "/api/picture/a.png", "/api/labels/a.png", "/api/picture/0123456789abcdef", "/../labels.jsonl"})
    CHECK_MESSAGE(status_of(ask(port, test::get(path))) == 404, path);
  CHECK(status_of(ask(port, test::get("/api/picture/a%00.png"))) == 400);
  const Value pictures = call(port, "GET", "/api/pictures").body;
  CHECK(pictures.size() == 4);
  int64_t refused = 0;
  for (const Value& picture : pictures.items()) {
    const std::string answer = ask(port, test::get("/api/picture/" + picture.at("id").as_string()));
    if (status_of(answer) == 200) continue;
    ++refused;
    CHECK(status_of(answer) == 422);
    CHECK(contains(answer, "the file is not in the folder"));
  }
  CHECK(refused == 3);
  // Changed into a link while it is served.
  std::filesystem::remove(photos / "a.png");
  std::filesystem::create_symlink(outside / "secret.png", photos / "a.png");
  CHECK(status_of(ask(port, test::get("/api/picture/" + kA + "?size=77"))) == 422);
}

TEST_CASE("annotate: bodies that are none") {
  const Photos photos(1);
  AnnotateServer server(options_of(photos));
  const auto status = [&](const std::string& body) {
    return call(server.port(), "PUT", "/api/labels/" + kA, body).status;
  };
  const auto box = [](const std::string& sides) {
    return R"({"revision":0,"mark":"done","boxes":[{"box":)" + sides + R"(,"label":"cat"}]})";
  };
  const struct {
    std::string body;
    int status;
  } rows[] = {
      {"", 400},
      {"{", 400},
      {"[]", 400},
      {"{\"revision\":0,\"mark\":\"done\",\"mark\":\"bad\"}", 400},
      {std::string(2000, '['), 400},
      {"{\"mark\":\"done\"}", 400},
      {R"({"revision":"0","mark":"done"})", 400},
      {R"({"revision":-1,"mark":"done"})", 400},
      {R"({"revision":99999999999999999,"mark":"done"})", 400},
      {R"({"revision":0})", 422},
      {R"({"revision":0,"mark":"maybe"})", 422},
      {R"({"revision":0,"mark":"done","labels":"cat"})", 422},
      {R"({"revision":0,"mark":"done","labels":["cat","cat"]})", 422},
      {R"({"revision":0,"mark":"done","labels":["fish"]})", 422},
      {R"({"revision":0,"mark":"todo","labels":["cat"]})", 422},
      {R"({"revision":0,"mark":"done","who":"a\nb"})", 400},
      {R"({"revision":0,"mark":"done","who":")" + std::string(41, 'x') + "\"}", 400},
      {R"({"revision":0,"mark":"done","client":7})", 400},
      {box("[1,2,3]"), 422},
      {box("[1,2,0,4]"), 422},
      {box("[1,2,-3,4]"), 422},
      {box("[1,2,1e308,4]"), 422},
      {box("[30,2,20,4]"), 422},  // beyond the right edge
      {box("[-5,2,20,4]"), 422},
      {box("[\"1\",2,3,4]"), 422},
      {R"({"revision":0,"mark":"done","boxes":[{"box":[1,2,3,4]}]})", 422},
      {box("[1,2,3,4]"), 200},
  };
  for (const auto& [body, expected] : rows) CHECK_MESSAGE(status(body) == expected, body);
  std::string many = R"({"revision":1,"mark":"done","boxes":[)";
  for (int i = 0; i < 10001; ++i)
    many += std::string(i == 0 ? "" : ",") + R"({"box":[1,2,3,4],"label":"cat"})";
  CHECK(status(many + "]}") == 422);
  CHECK(call(server.port(), "PUT", "/api/labels/0123456789abcdef", work(0, "")).status == 404);
  for (const char* path : {"/api/undo", "/api/next", "/api/classes"})
    CHECK(call(server.port(), "POST", path, "[1]").status == 400);
  CHECK(call(server.port(), "DELETE", "/api/labels/" + kA).status == 405);
  for (const char* path : {"/api/news?wait=61", "/api/news?since=x", "/api/news?count=-2"})
    CHECK(status_of(ask(server.port(), test::get(path))) == 400);
}

TEST_CASE("annotate: a token opens it, in the header or as the cookie that a browser gets for it") {
  const Photos photos(1);
  const std::string token = "0123456789abcdef";
  AnnotateServer server(options_of(photos, token));
  const int port = server.port();
  CHECK(status_of(ask(port, test::get("/"))) == 200);
  for (const char* path : {"/api", "/api/pictures", "/api/labels", "/api/news", "/api/classes"})
    CHECK(status_of(ask(port, test::get(path))) == 401);
  CHECK(status_of(ask(port, test::get("/api/picture/" + kA))) == 401);
  CHECK(status_of(ask(port, put(kJson))) == 401);
  CHECK(status_of(ask(port, test::get("/api", "Authorization: Bearer " + token + "\r\n"))) == 200);
  CHECK(status_of(ask(port, test::get("/api", "Authorization: Bearer " + token + "x\r\n"))) == 401);
  CHECK(call(port, "POST", "/api/login", R"({"token":"wrong"})").status == 401);
  CHECK(call(port, "POST", "/api/login", "{}").status == 401);
  const std::string answer = ask(port, test::request("POST", "/api/login", R"({"token":")" + token + "\"}"));
  const size_t at = answer.find("Set-Cookie: ") + 12;
  const std::string cookie = answer.substr(at, answer.find(';', at) - at);
  CHECK(contains(answer, "; HttpOnly; SameSite=Strict"));
  CHECK(!contains(cookie, token));
  const std::string field = "Cookie: other=1; " + cookie + "\r\n";
  CHECK(status_of(ask(port, test::get("/api", field))) == 200);
  CHECK(status_of(ask(port, put(kJson + field + "Origin: http://evil.example\r\n"))) == 403);
  CHECK(status_of(ask(port, put(kJson + field, "photos.example"))) == 200);  // behind a proxy, by its name
}

}  // namespace kiln
