#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include <kiln/io/bytes/json.h>
#include <kiln/tensor/fmt.h>

#include "serve/support/toy.h"
#include "support/client.h"
#include "support/files.h"

namespace kiln {
namespace {

using std::chrono::milliseconds;
using test::body_of;
using test::Client;
using test::contains;
using test::post;
using test::status_of;
using test::Toy;

std::string infer(const std::vector<float>& x, const std::string& fields = "") {
  return post("/v2/models/toy/infer", test::infer_json(x), fields);
}

std::vector<float> scores_in(const std::string& answer) {
  std::vector<float> scores;
  const Value data = io::parse_json(body_of(answer), "answer", 16).at("outputs/0/data");
  for (const Value& score : data.items()) scores.push_back(float(score.as_float()));
  return scores;
}

std::string metrics(int port) { return body_of(test::ask(port, test::get("/metrics"))); }

void wait_for(int port, const std::string& text) {
  CHECK_MESSAGE(test::comes_true([&] { return contains(metrics(port), text); }), text, " does not come");
}

}  // namespace

TEST_CASE("batching: many clients are answered together, each with its own scores") {
  test::ToyServer server({.batch = {.max_batch = 8}});
  server.toy->delay_ms = 5;
  server.toy->most_rows = 0;
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> clients;
    for (int c = 0; c < 16; ++c)
      clients.emplace_back([&, c] {
        Client client(server.port());
        for (int i = 0; i < 20; ++i) {
          const std::vector<float> x = {float(c), float(i), 1, 2};
          client.send(infer(x));
          const std::string answer = client.answer();
          wrong += status_of(answer) != 200 || scores_in(answer) != Toy::expected(1, x);
        }
      });
  }
  CHECK(wrong == 0);
  CHECK(server.toy->most_rows == 8);
}

TEST_CASE("batching: who is alone does not wait") {
  test::ToyServer server({.batch = {.max_delay = std::chrono::seconds(2)}});
  Client client(server.port());
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    client.send(infer({1, 2, 3, 4}));
    client.answer();
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
}

TEST_CASE("batching: a full queue is 429, too late is 504, and who has left is not computed") {
  test::ToyServer server({.batch = {.max_batch = 1, .queue_limit = 2}});
  server.toy->held = true;
  Client busy(server.port()), first(server.port()), second(server.port()), third(server.port());
  busy.send(infer({1, 2, 3, 4}));
  CHECK(server.comes_to(1, 0));
  first.send(infer({1, 2, 3, 4}, "X-Timeout-Ms: 5000\r\n"));
  CHECK(server.comes_to(1, 1));
  {
    Client leaving(server.port());
    leaving.send(infer({1, 2, 3, 4}));
    CHECK(server.comes_to(1, 2));
    third.send(infer({1, 2, 3, 4}));
    const std::string full = third.answer();
    CHECK(status_of(full) == 429);
    CHECK(contains(full, "Retry-After: 1\r\n"));
  }
  std::this_thread::sleep_for(milliseconds(5200));
  server.toy->held = false;
  CHECK(status_of(busy.answer()) == 200);
  CHECK(status_of(first.answer()) == 504);
  second.send(infer({1, 2, 3, 4}));
  CHECK(status_of(second.answer()) == 200);
  const std::string text = metrics(server.port());
  CHECK(contains(text, "kiln_expired_total 1\n"));
  CHECK(contains(text, "kiln_left_total 1\n"));
  CHECK(contains(text, "kiln_refused_total 1\n"));
  CHECK(contains(text, "kiln_inferences_total 2\n"));
  CHECK(status_of(test::ask(server.port(), infer({1, 2, 3, 4}, "X-Timeout-Ms: 0\r\n"))) == 400);
}

TEST_CASE("batching: one input that the model fails on does not fail its neighbours") {
  test::ToyServer server({.batch = {.max_batch = 4}});
  server.toy->fails_on_negative = true;
  server.toy->held = true;
  Client busy(server.port()), good(server.port()), bad(server.port());
  busy.send(infer({1, 2, 3, 4}));
  CHECK(server.comes_to(1, 0));
  good.send(infer({1, 2, 3, 4}));
  bad.send(infer({-1, 2, 3, 4}));
  CHECK(server.comes_to(1, 2));
  server.toy->held = false;
  CHECK(status_of(good.answer()) == 200);
  const std::string failed = bad.answer();
  CHECK(status_of(failed) == 500);
  CHECK(!contains(failed, "negative"));  // the model's words are not for clients
}

TEST_CASE("shadow: another model answers a share too, and agreement is counted") {
  test::ToyServer server;
  const auto other = std::make_shared<Toy>(2);
  server.service.set_shadow(other, 0.5);
  Client client(server.port());
  for (int i = 0; i < 10; ++i) {
    client.send(infer({1, 2, 3, 4}));
    CHECK(scores_in(client.answer()) == Toy::expected(1, {1, 2, 3, 4}));
    wait_for(server.port(), fmt::format("kiln_shadow_total{{agreed=\"yes\"}} {}\n", (i + 1) / 2));
  }
  client.send(post("/v2/models/toy/versions/2/infer", test::infer_json({1, 2, 3, 4})));
  CHECK(scores_in(client.answer()) == Toy::expected(2, {1, 2, 3, 4}));
  CHECK(test::error_of([&] { server.service.set_shadow(other, 2); }) ==
        "shadow: a share of 2; give one from 0 to 1");
}

TEST_CASE("self-test: a model that is wrong is not served") {
  test::ToyServer server;
  const auto bad = std::make_shared<Toy>(2);
  bad->is_bad = true;
  CHECK(contains(test::error_of([&] { server.service.serve(bad); }), "not finite"));
  CHECK(scores_in(test::ask(server.port(), infer({1, 2, 3, 4}))) == Toy::expected(1, {1, 2, 3, 4}));
}

}  // namespace kiln
