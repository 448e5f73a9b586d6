#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "serve/support/toy.h"
#include "support/client.h"
#include "support/files.h"

namespace kiln {
namespace {

using serve::Reply;
using serve::Request;
using serve::Server;
using serve::ServerOptions;
using std::chrono::milliseconds;
using test::body_of;
using test::Client;
using test::contains;
using test::get;
using test::post;
using test::status_of;

// Tells the request back.
void echo(const Request& request, const Reply& reply) {
  reply.send({.type = "text/plain",
              .body = request.method + " " + request.path + "?" + request.query + " " + request.body});
}

}  // namespace

TEST_CASE("http: requests of one connection are answered in order") {
  Server server({}, echo);
  Client client(server.port());
  std::string all;
  for (int i = 0; i < 200; ++i)
    all += post("/a%20b?n=" + std::to_string(i), std::string(size_t(i * 7 % 50), 'x'));
  client.send(all);
  for (int i = 0; i < 200; ++i) {
    const std::string expected =
        "POST /a b?n=" + std::to_string(i) + " " + std::string(size_t(i * 7 % 50), 'x');
    REQUIRE(body_of(client.answer()) == expected);
  }
  client.send(post("/n", "\n\r\n\n a: b"));  // a body may look like anything
  CHECK(body_of(client.answer()) == "POST /n? \n\r\n\n a: b");
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: x-close, keep-alive\r\n\r\n");  // another name
  CHECK(!contains(client.answer(), "Connection: close"));
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: a\r\nConnection: b,, Close\r\n\r\n" + get("/more"));
  CHECK(contains(client.answer(), "Connection: close"));
  CHECK(client.is_closed(milliseconds(20000)));
}

TEST_CASE("http: bodies in chunks, with extensions and trailers") {
  Server server({}, echo);
  Client client(server.port());
  client.send(
      "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" +
      get("/next"));
  CHECK(body_of(client.answer()) == "POST /c? abcde");
  CHECK(body_of(client.answer()) == "GET /next? ");
  client.send("POST /empty HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char* piece : {"0\r\n", "\r", "\n"}) {  // a debug build of Beast aborted here
    client.send(piece);
    std::this_thread::sleep_for(milliseconds(5));
  }
  CHECK(body_of(client.answer()) == "POST /empty? ");
}

TEST_CASE("http: HEAD, HTTP/1.0 and 100-continue") {
  Server server({}, echo);
  Client client(server.port());
  client.send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string head = client.answer(false);
  CHECK(contains(head, "Content-Length: 9\r\n"));
  client.send("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  CHECK(client.answer(false) == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  CHECK(body_of(client.answer()) == "POST /e? abc");
  client.send("GET /old HTTP/1.0\r\n\r\n");
  CHECK(contains(client.rest(), "Connection: close"));
}

TEST_CASE("http: slow clients, idle ones, and too many") {
  ServerOptions options;
  options.head_timeout = options.body_timeout = milliseconds(1000);
  options.idle_timeout = milliseconds(300);
  Server server(options, echo);
  {
    Client slow(server.port());
    slow.send("GET / HT");
    std::this_thread::sleep_for(milliseconds(400));
    slow.send("TP/1.1\r\n");  // more bytes do not renew the time
    CHECK(status_of(slow.answer()) == 408);
  }
  {
    Client slow(server.port());
    slow.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    CHECK(status_of(slow.answer()) == 408);
  }
  {
    Client idle(server.port());
    CHECK(idle.is_closed(milliseconds(20000)));
  }
  for (int i = 0; i < 1000 && server.connections() > 0; ++i) std::this_thread::sleep_for(milliseconds(20));
  CHECK(server.connections() == 0);
  Server small({.connections = 3}, echo);
  Client a(small.port()), b(small.port()), c(small.port());
  for (Client* each : {&a, &b, &c}) {
    each->send(get("/"));
    CHECK(status_of(each->answer()) == 200);
  }
  Client fourth(small.port());
  CHECK(status_of(fourth.answer()) == 503);
}

TEST_CASE("http: a client that leaves is noticed, and one that resets too") {
  std::atomic<int> left = 0, asked = 0;
  std::vector<std::jthread> handlers;
  std::mutex mutex;
  Server server({}, [&](const Request&, const Reply& reply) {
    const std::scoped_lock lock(mutex);
    ++asked;
    handlers.emplace_back([&left, reply] {
      for (int i = 0; i < 500 && !reply.is_cancelled(); ++i) std::this_thread::sleep_for(milliseconds(10));
      left += reply.is_cancelled();
      reply.send({.body = "late"});
    });
  });
  for (int i = 0; i < 5; ++i) {
    Client client(server.port());
    client.send(get("/"));
    if (i % 2 == 0) client.end();  // half-closed
    for (int k = 0; k < 500 && asked <= i; ++k) std::this_thread::sleep_for(milliseconds(2));
  }
  for (int i = 0; i < 500 && left < 5; ++i) std::this_thread::sleep_for(milliseconds(10));
  CHECK(left == 5);
  const std::scoped_lock lock(mutex);
  handlers.clear();
}

// Bytes that were read already may be reported again while the request is handled; that is no end.
TEST_CASE("http: no request is dropped for how its pieces came") {
  std::mutex mutex;
  std::vector<Reply> waiting;
  std::atomic<bool> ends = false;
  Server server({}, [&](const Request& request, const Reply& reply) {
    if (request.body.size() != 40000) return reply.send({.status = 400});
    const std::scoped_lock lock(mutex);
    waiting.push_back(reply);
  });
  std::jthread answers([&] {
    while (!ends) {
      std::vector<Reply> now;
      {
        const std::scoped_lock lock(mutex);
        now.swap(waiting);
      }
      for (const Reply& reply : now) reply.send({.body = "{}"});
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  std::atomic<int> wrong = 0;
  {
    const std::string head = post("/", std::string(40000, 'x'));
    std::vector<std::jthread> clients;
    for (size_t c = 0; c < 8; ++c)
      clients.emplace_back([&, c] {
        Client client(server.port());
        for (size_t i = 0; i < 1000; ++i) {
          const size_t cut = 20000 + (c * 1000 + i) * 7919 % 20000;
          client.send(head.substr(0, cut));
          client.send(std::string_view(head).substr(cut));
          wrong += status_of(client.answer()) != 200;
        }
      });
  }
  CHECK(wrong == 0);
  ends = true;
}

TEST_CASE("http: stop lets what is under way end") {
  std::vector<std::jthread> handlers;
  std::atomic<bool> asked = false;
  Server server({}, [&](const Request&, const Reply& reply) {
    handlers.emplace_back([reply] {
      std::this_thread::sleep_for(milliseconds(200));
      reply.send({.body = "done"});
    });
    asked = true;
  });
  Client idle(server.port()), busy(server.port());
  busy.send(get("/"));
  while (!asked) std::this_thread::sleep_for(milliseconds(1));
  server.stop();
  CHECK(body_of(busy.answer()) == "done");
  CHECK(idle.is_closed(milliseconds(20000)));
  CHECK_THROWS(Client(server.port()));
}

TEST_CASE("http: stop does not wait for ever, and replies may outlive the server") {
  std::vector<Reply> replies;
  ServerOptions options;
  options.drain_timeout = milliseconds(50);
  {
    std::atomic<bool> asked = false;
    Server server(options, [&](const Request&, const Reply& reply) {
      replies.push_back(reply);
      asked = true;
    });
    Client client(server.port());
    client.send(get("/"));
    while (!asked) std::this_thread::sleep_for(milliseconds(1));
    server.stop();
    CHECK(client.is_closed(milliseconds(20000)));
  }
  CHECK(replies[0].is_cancelled());
  replies[0].send({.body = "to nobody"});
}

TEST_CASE("http: a handler that throws or forgets to answer is a 500") {
  Server server({}, [](const Request& request, const Reply&) {
    if (request.path == "/throw") throw std::runtime_error("secret /etc/passwd");
  });
  for (const char* path : {"/throw", "/forget"}) {
    const std::string answer = test::ask(server.port(), get(path));
    CHECK(status_of(answer) == 500);
    CHECK(!contains(answer, "secret"));
  }
}

TEST_CASE("http: where it listens") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "s";
  Server server({.unix_socket = path}, echo);
  Client local(path);
  local.send(get("/u"));
  CHECK(body_of(local.answer()) == "GET /u? ");
  CHECK(std::filesystem::status(path).permissions() == std::filesystem::perms(0600));
  CHECK(
      contains(test::error_of([&] { Server({.port = server.port()}, echo); }), "cannot listen on 127.0.0.1"));
  CHECK(contains(test::error_of([] { Server({.address = "nowhere"}, echo); }), "is no address"));
  CHECK(contains(test::error_of([] { Server({.port = 70000}, echo); }), "is no port"));
}

}  // namespace kiln
