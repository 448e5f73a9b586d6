#include <doctest/doctest.h>

#include "serve/support/toy.h"
#include "support/client.h"
#include "support/files.h"

// What another server or a proxy could read differently, or what asks for too much, is refused, and the
// connection ends. (Each row broke some server once.)

namespace kiln {
namespace {

using test::Client;
using test::status_of;

struct Row {
  const char* name;
  int status;
  std::string request;
};

const std::string kHost = "Host: x\r\n";

std::vector<Row> rows() {
  const std::string post = "POST /predict HTTP/1.1\r\n" + kHost;
  return {
      {"two different lengths", 400, post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
      {"the same length twice", 400, post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"},
      {"a list of lengths", 400, post + "Content-Length: 1, 1\r\n\r\na"},
      {"a length with a sign", 400, post + "Content-Length: +1\r\n\r\na"},
      {"a length that overflows", 400, post + "Content-Length: 99999999999999999999\r\n\r\na"},
      {"a length beyond the limit", 413, post + "Content-Length: 999999999\r\n\r\na"},
      {"length and coding", 400, post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"coding and length", 400, post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n"},
      {"two codings", 400,
       post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"another coding", 501, post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {"a coding with a control character", 400, post + "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n"},
      {"a coding in HTTP/1.0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"a space before the colon", 400, post + "Content-Length : 1\r\n\r\na"},
      {"a folded line", 400, post + "X: a\r\n b\r\n\r\n"},
      {"a folded first line", 400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
      {"bare line feeds", 400, "GET / HTTP/1.1\nHost: x\n\n"},
      {"one bare line feed", 400, "GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n"},
      {"a bare carriage return", 400, "GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n"},
      {"a zero byte", 400, std::string("GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n", 29)},
      {"no host", 400, "GET / HTTP/1.1\r\n\r\n"},
      {"two hosts", 400, "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
      {"an encoded line end", 400, "GET /v2%0d%0aX:y HTTP/1.1\r\n" + kHost + "\r\n"},
      {"an encoded line end in the query", 400, "GET /v2?a=%0D%0A HTTP/1.1\r\n" + kHost + "\r\n"},
      {"an encoded zero byte", 400, "GET /v2%00 HTTP/1.1\r\n" + kHost + "\r\n"},
      {"half an encoding", 400, "GET /v2%4 HTTP/1.1\r\n" + kHost + "\r\n"},
      {"a line end in the target", 400, "GET /\r\nX: y HTTP/1.1\r\n" + kHost + "\r\n"},
      {"an absolute target", 400, "GET http://x/ HTTP/1.1\r\n" + kHost + "\r\n"},
      {"two spaces", 400, "GET  / HTTP/1.1\r\n" + kHost + "\r\n"},
      {"a long target", 414, "GET /" + std::string(3000, 'a') + " HTTP/1.1\r\n" + kHost + "\r\n"},
      {"an unknown method", 501, "BREW / HTTP/1.1\r\n" + kHost + "\r\n"},
      {"CONNECT", 501, "CONNECT x:1 HTTP/1.1\r\n" + kHost + "\r\n"},
      {"another version", 505, "GET / HTTP/2.0\r\n" + kHost + "\r\n"},
      {"no version", 400, "GET /\r\n\r\n"},
      {"TLS", 400, "\x16\x03\x01\x02\n\r\n\r\n"},
      {"a compressed body", 415, post + "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na"},
      {"another expectation", 417, post + "Expect: tea\r\nContent-Length: 1\r\n\r\na"},
      {"a large head", 431, "GET / HTTP/1.1\r\n" + kHost + "X: " + std::string(9000, 'a') + "\r\n\r\n"},
      {"an endless head", 431, "GET / HTTP/1.1\r\n" + std::string(9000, 'a')},
      {"a chunk that is no number", 400, post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"},
      {"a chunk that overflows", 400, post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"},
      {"a chunk beyond the limit", 413, post + "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"},
      {"a chunk with bare line feeds", 400, post + "Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n\r\n"},
      {"an endless extension", 400, post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(20000, 'a')},
  };
}

}  // namespace

TEST_CASE("http: what is not strictly HTTP is refused, and the connection ends") {
  test::ToyServer server;
  for (const Row& row : rows()) {
    const std::string name = row.name;
    CAPTURE(name);
    Client client(server.port());
    client.send(row.request + test::get("/metrics"));  // smuggled behind it
    const std::string all = client.rest();
    CHECK(status_of(all) == row.status);
    CHECK(test::contains(all, "Connection: close\r\n"));
    CHECK(test::contains(all, "{\"error\":"));
    CHECK(all.find("\nHTTP/1.1 ") == all.npos);
  }
  CHECK(status_of(test::ask(server.port(), test::get("/v2"))) == 200);
}

TEST_CASE("http: the same by pieces of one byte") {
  test::ToyServer server;
  for (const Row& row : rows()) {
    if (row.request.size() > 300) continue;
    const std::string name = row.name;
    CAPTURE(name);
    Client client(server.port());
    for (const char byte : row.request)
      if (client.is_answered() || !client.send({&byte, 1})) break;
    client.end();
    CHECK(status_of(client.answer()) == row.status);
  }
}

TEST_CASE("http: many header lines") {
  test::ToyServer server;
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "A: b\r\n";
  CHECK(status_of(test::ask(server.port(), test::get("/v2", fields))) == 200);
  CHECK(status_of(test::ask(server.port(), test::get("/v2", fields + "A: b\r\n"))) == 431);
}

// Triton's CVE-2025-23310: memory for each chunk. A million of 6 bytes, and of one body.
TEST_CASE("http: a flood of chunks") {
  test::ToyServer server;
  Client client(server.port());
  client.send("POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string chunks;
  for (int i = 0; i < 10000; ++i) chunks += "1\r\na\r\n";
  for (int i = 0; i < 100 && client.send(chunks); ++i) continue;
  const std::string answer = client.answer();
  CHECK((status_of(answer) == 413 || answer.empty()));  // empty: the system dropped what was not read
  CHECK(status_of(test::ask(server.port(), test::get("/v2"))) == 200);

  Client fair(server.port());
  fair.send(
      "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n" +
      chunks + "0\r\n\r\n");
  CHECK(status_of(fair.answer()) == 422);
}

}  // namespace kiln
