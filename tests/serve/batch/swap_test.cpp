#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include <kiln/io/bytes/json.h>
#include <kiln/serve/store/store.h>
#include <kiln/tensor/base/fail.h>

#include "serve/support/toy.h"
#include "support/client.h"
#include "support/files.h"
#include "support/sanitizers.h"

// Versions of a store come and go under load. KILN_REQUESTS is how many are sent.

namespace kiln {
namespace {

using serve::Store;
using serve::Version;
using std::chrono::milliseconds;
using test::body_of;
using test::Client;
using test::contains;
using test::post;
using test::status_of;
using test::Toy;

// A model's file is its number; "bad" does not load, "nan" fails the self-test.
std::shared_ptr<serve::Engine> load(const Version& version) {
  const std::string text = test::read_file(version.path);
  if (text == "bad") fail("'{}' is damaged", version.path);
  const auto toy = std::make_shared<Toy>(text == "nan" ? 0 : std::stoi(text), version.id);
  toy->is_bad = text == "nan";
  return toy;
}

int requests() {
  const char* wanted = std::getenv("KILN_REQUESTS");
  return wanted != nullptr ? std::atoi(wanted) : test::kUnderThreadSanitizer ? 500 : 4000;
}

// Sends requests until so many were answered, and counts answers that are not those of the version that they
// name.
int wrong_answers(int port, const std::string& numbers_of_versions, int count) {
  Client client(port);
  const std::vector<float> x = {1, -2, 3, 0.5};
  const std::string request = post("/v2/models/toy/infer", test::infer_json(x));
  int wrong = 0;
  for (int i = 0; i < count; ++i) {
    client.send(request);
    const std::string answer = client.answer();
    if (status_of(answer) != 200) {
      ++wrong;
      continue;
    }
    const Value body = io::parse_json(body_of(answer), "answer", 16);
    const size_t found = numbers_of_versions.find(body.at("model_version").as_string() + "=");
    const int number = std::atoi(numbers_of_versions.c_str() + found + 65);
    std::vector<float> scores;
    for (const Value& score : body.at("outputs/0/data").items()) scores.push_back(float(score.as_float()));
    wrong += scores != Toy::expected(number, x);
  }
  return wrong;
}

}  // namespace

TEST_CASE("swap: across promotions and rollbacks no request fails, and each answer is that of its version") {
  const test::TemporaryFolder folder(test::memory_folder());
  Store store(folder / "store");
  std::vector<std::string> ids;
  std::string numbers;
  for (int number = 1; number <= 6; ++number) {
    ids.push_back(store.add(folder.write("model", std::to_string(number))).id);
    numbers += ids.back() + "=" + std::to_string(number) + ";";
  }
  store.promote(ids[0], "");
  test::ToyServer server({.batch = {.max_batch = 4}});
  server.service.follow(store, load, milliseconds(1));
  std::atomic<int> wrong = 0, done = 0;
  constexpr int kClients = 4;
  std::vector<std::jthread> clients;
  for (int c = 0; c < kClients; ++c)
    clients.emplace_back([&] {
      wrong += wrong_answers(server.port(), numbers, requests() / kClients);
      ++done;
    });
  int promotions = 0, rollbacks = 0;
  for (int i = 1; done < kClients; ++i) {
    if (i % 6 == 5)
      rollbacks += store.rollback().number > 0;
    else if (const std::string& next = ids[size_t(i) % ids.size()]; store.current()->id != next)
      promotions += store.promote(next, "").number > 0;
    std::this_thread::sleep_for(milliseconds(4));
  }
  clients.clear();
  CHECK(wrong == 0);
  const std::string text = body_of(test::ask(server.port(), test::get("/metrics")));
  const std::string swaps = text.substr(text.find("\nkiln_swaps_total ") + 1);
  MESSAGE(requests(), " requests, ", promotions, " promotions, ", rollbacks, " rollbacks, ",
          swaps.substr(0, swaps.find('\n')));
  CHECK(promotions > 5);
  CHECK(rollbacks > 1);
}

TEST_CASE("swap: a version that cannot be served is passed over, and the old one stays") {
  const test::TemporaryFolder folder(test::memory_folder());
  Store store(folder / "store");
  const std::string good = store.add(folder.write("model", "1")).id,
                    next = store.add(folder.write("model", "2")).id;
  test::ToyServer server;
  CHECK(contains(test::error_of([&] { server.service.follow(store, load); }), "nothing in"));
  store.promote(good, "");
  server.service.follow(store, load, milliseconds(2));
  const auto served = [&] {
    return io::parse_json(body_of(test::ask(server.port(), test::get("/about"))), "about", 4)
        .at("version")
        .as_string();
  };
  CHECK(served() == good);
  const std::string admin = "Content-Type: application/json\r\n";
  for (const char* text : {"bad", "nan"}) {
    store.promote(store.add(folder.write("model", text)).id, "");
    const std::string answer = test::ask(server.port(), post("/v2/repository/models/toy/load", "", admin));
    CHECK(status_of(answer) == 409);
    CHECK(!contains(answer, folder.path()));
    CHECK(served() == good);
  }
  store.promote(next, "");
  CHECK(status_of(test::ask(server.port(), post("/v2/repository/models/toy/load", "", admin))) == 200);
  CHECK(served() == next);
  const std::string back =
      test::ask(server.port(), post("/rollback", "{\"version\":\"" + good.substr(0, 8) + "\"}", admin));
  CHECK(status_of(back) == 200);
  CHECK(served() == good);
  CHECK(status_of(test::ask(server.port(), post("/rollback", "{\"version\":\"../../x\"}", admin))) == 404);
  CHECK(status_of(test::ask(server.port(), post("/rollback", "{\"version\":5}", admin))) == 400);
  CHECK(status_of(test::ask(server.port(), post("/rollback", "[]", admin))) == 400);
  CHECK(status_of(test::ask(server.port(), post("/rollback", "", ""))) == 415);
  const Value history =
      io::parse_json(body_of(test::ask(server.port(), test::get("/history"))), "history", 4);
  CHECK(history.items().back().at("event") == Value("rollback"));
}

}  // namespace kiln
