#include <doctest/doctest.h>

#include <thread>

#include <kiln/io/bytes/json.h>
#include <kiln/serve/store/store.h>
#include <kiln/tensor/base/fail.h>

#include "serve/support/toy.h"
#include "support/client.h"
#include "support/files.h"

// A model is unloaded and loaded by Triton's extension of the protocol.

namespace kiln {
namespace {

using std::chrono::milliseconds;
using test::ask;
using test::body_of;
using test::Client;
using test::contains;
using test::get;
using test::post;
using test::status_of;
using test::Toy;

const std::string kJson = "Content-Type: application/json\r\n";
const std::string kInfer = post("/v2/models/toy/infer", test::infer_json({1, 2, 3, 4}));

std::string change(int port, const char* how, const std::string& body = "") {
  return ask(port, post(std::string("/v2/repository/models/toy/") + how, body, kJson));
}

// "1 READY, 2 UNAVAILABLE"
std::string index_of(int port, const char* body = "") {
  std::string all;
  const Value list = io::parse_json(body_of(ask(port, post("/v2/repository/index", body))), "index", 4);
  for (const Value& entry : list.items()) {
    CHECK(entry.at("name") == Value("toy"));
    all += (all.empty() ? "" : ", ") + entry.at("version").as_string() + " " + entry.at("state").as_string();
  }
  return all;
}

void check_unloaded(int port) {
  for (const std::string& request :
       {kInfer, get("/v2/health/ready"), get("/v2/models/toy"), get("/v2/models/toy/ready"),
        get("/v2/models/toy/versions/1/ready"), post("/predict", "3", "Content-Type: image/png\r\n")}) {
    const std::string answer = ask(port, request);
    CHECK_MESSAGE(status_of(answer) == 503, request);
    CHECK(contains(answer, "Retry-After: "));
  }
  CHECK(status_of(ask(port, get("/v2/models/none"))) == 404);
  CHECK(status_of(ask(port, get("/v2/health/live"))) == 200);
  CHECK(status_of(ask(port, get("/metrics"))) == 200);
}

}  // namespace

TEST_CASE("repository: unload lets what is under way end, and load brings the model back") {
  for (const int threads : {1, 2}) {
    test::ToyServer server({.batch = {.max_batch = 1}, .threads = threads});
    const int port = server.port();
    CHECK(index_of(port) == "1 READY");
    server.toy->held = true;
    Client slow[3] = {Client(port), Client(port), Client(port)};
    for (const Client& client : slow) client.send(kInfer);
    CHECK(server.comes_to(1, 2));
    Client admin(port), again(port);
    admin.send(post("/v2/repository/models/toy/unload", "", kJson));
    CHECK(test::comes_true([&] { return index_of(port) == "1 UNLOADING"; }));
    again.send(post("/v2/repository/models/toy/unload", "", kJson));
    check_unloaded(port);
    CHECK(index_of(port) == "1 UNLOADING");
    CHECK(!admin.is_answered());
    server.toy->held = false;
    for (Client& client : slow) CHECK(status_of(client.answer()) == 200);
    CHECK(status_of(admin.answer()) == 200);
    CHECK(status_of(again.answer()) == 200);
    check_unloaded(port);
    CHECK(index_of(port) == "1 UNAVAILABLE");
    CHECK(index_of(port, R"({"ready":true})") == "");
    CHECK(status_of(change(port, "unload")) == 200);
    CHECK(status_of(change(port, "load")) == 200);
    CHECK(index_of(port, R"({"ready":true})") == "1 READY");
    CHECK(status_of(ask(port, get("/v2/health/ready"))) == 200);
    CHECK(status_of(ask(port, kInfer)) == 200);
  }
}

TEST_CASE("repository: what can be made anew is gone once unload is answered") {
  test::ToyServer server;
  std::weak_ptr<Toy> last;
  int made = 0;
  bool fails = false;
  const auto make = [&] {
    if (fails) fail("'{}' is not there", "/secret/path");
    const auto toy = std::make_shared<Toy>(++made);
    last = toy;
    return toy;
  };
  server.service.serve(make(), make);
  CHECK(status_of(ask(server.port(), kInfer)) == 200);
  CHECK(status_of(change(server.port(), "unload")) == 200);
  CHECK(last.expired());
  fails = true;
  const std::string refused = change(server.port(), "load");
  CHECK(status_of(refused) == 409);
  CHECK(contains(refused, "none is served"));
  CHECK(!contains(refused, "secret"));
  check_unloaded(server.port());
  fails = false;
  CHECK(status_of(change(server.port(), "load")) == 200);
  CHECK(index_of(server.port()) == "2 READY");
  CHECK(status_of(change(server.port(), "load")) == 200);  // loaded, and made anew all the same
  CHECK(index_of(server.port()) == "3 READY");
}

TEST_CASE("repository: a store's model stays unloaded until it is loaded, then it is the current one") {
  const test::TemporaryFolder folder(test::memory_folder());
  serve::Store store(folder / "store");
  const std::string first = store.add(folder.write("model", "1")).id,
                    second = store.add(folder.write("model", "2")).id;
  store.promote(first, "");
  test::ToyServer server;
  const auto load = [](const serve::Version& version) {
    return std::make_shared<Toy>(std::stoi(test::read_file(version.path)), version.id);
  };
  server.service.follow(store, load, milliseconds(1));
  CHECK(index_of(server.port(), R"({"ready":true})") == first + " READY");
  CHECK(status_of(change(server.port(), "unload")) == 200);
  store.promote(second, "");
  std::this_thread::sleep_for(milliseconds(30));
  check_unloaded(server.port());
  CHECK(contains(index_of(server.port()), second + " UNAVAILABLE"));
  CHECK(status_of(ask(server.port(), post("/rollback", "{}", kJson))) == 409);
  CHECK(store.current()->id == second);
  CHECK(status_of(change(server.port(), "load")) == 200);
  CHECK(index_of(server.port(), R"({"ready":true})") == second + " READY");
  CHECK(status_of(ask(server.port(), post("/rollback", "{}", kJson))) == 200);
  CHECK(index_of(server.port(), R"({"ready":true})") == first + " READY");
}

// TorchServe's management port, BentoML's uploads: nothing is read that did not come by the store.
TEST_CASE("repository: who may, and nothing comes by the request") {
  test::ToyServer server;
  const int port = server.port();
  for (const char* how : {"load", "unload"}) {
    const std::string path = std::string("/v2/repository/models/toy/") + how;
    CHECK(status_of(ask(port, post(path, ""))) == 415);
    CHECK(status_of(ask(port, post(path, "", kJson + "X-Forwarded-For: 10.0.0.1\r\n"))) == 403);
    CHECK(status_of(ask(port, post(path, "", kJson + "Origin: http://evil.example\r\n"))) == 403);
    CHECK(status_of(ask(port, get(path))) == 405);
    for (const char* body : {"[]", "{", "{\"parameters\":[]}", "{\"parameters\":5}"})
      CHECK(status_of(change(port, how, body)) == 400);
    for (const char* name : {"none", "..", "%2e%2e%2fstore", "toy%00"}) {
      const int status =
          status_of(ask(port, post(std::string("/v2/repository/models/") + name + "/" + how, "", kJson)));
      CHECK((status == 404 || status == 400));
    }
  }
  for (const char* parameters : {R"({"config":"{}"})", R"({"file:1/model.kiln":"AAAA"})"}) {
    const std::string answer = change(port, "load", std::string("{\"parameters\":") + parameters + "}");
    CHECK(status_of(answer) == 400);
    CHECK(contains(answer, "from the store alone"));
  }
  CHECK(status_of(change(port, "unload", R"({"parameters":{"unload_dependents":"yes"}})")) == 400);
  CHECK(status_of(ask(port, post("/v2/repository/index", R"({"ready":1})"))) == 400);
  CHECK(index_of(port) == "1 READY");
  CHECK(status_of(change(port, "unload", R"({"parameters":{"unload_dependents":true}})")) == 200);
}

}  // namespace kiln
