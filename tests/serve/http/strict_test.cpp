#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>

#include "serve/support/toy.h"
#include "support/client.h"
#include "support/files.h"

// What another server or a proxy could read differently, or what asks for too much, is refused with the byte
// that shows it, and the connection ends. (Each row broke some server once.)

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

// Each ends with what it is refused for: nothing more has to come.

// What a head says of the body.
std::vector<Row> rows_of_lengths() {
  const std::string post = "POST /predict HTTP/1.1\r\n" + kHost;
  return {
      {"two different lengths", 400, post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"},
      {"the same length twice", 400, post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"},
      {"a list of lengths", 400, post + "Content-Length: 1, 1\r\n\r\n"},
      {"a length with a sign", 400, post + "Content-Length: +1\r\n\r\n"},
      {"a negative length", 400, post + "Content-Length: -1\r\n\r\n"},
      {"a hexadecimal length", 400, post + "Content-Length: 0x1\r\n\r\n"},
      {"an empty length", 400, post + "Content-Length:\r\n\r\n"},
      {"a length that overflows", 400, post + "Content-Length: 99999999999999999999\r\n\r\n"},
      {"a length beyond the limit", 413, post + "Content-Length: 999999999\r\n\r\n"},
      {"length and coding", 400, post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"coding and length", 400, post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"},
      {"two codings", 400, post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"another coding and chunked", 501, post + "Transfer-Encoding: gzip, chunked\r\n\r\n"},
      {"chunked and another coding", 501, post + "Transfer-Encoding: chunked, gzip\r\n\r\n"},
      {"identity as a coding", 501, post + "Transfer-Encoding: identity\r\n\r\n"},
      {"no coding", 501, post + "Transfer-Encoding:\r\n\r\n"},
      {"a quoted coding", 501, post + "Transfer-Encoding: \"chunked\"\r\n\r\n"},
      {"a coding with a control character", 400, post + "Transfer-Encoding: \vchunked\r\n"},
      {"a coding in HTTP/1.0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
  };
}

std::vector<Row> rows_of_heads() {
  const std::string get = "GET / HTTP/1.1\r\n", post = "POST /predict HTTP/1.1\r\n" + kHost;
  std::vector<Row> rows = {
      {"a space before the colon", 400, post + "Content-Length : 1\r\n"},
      {"a name that is no token", 400, post + "Content(Length): 1\r\n"},
      {"no name", 400, post + ": 1\r\n"},
      {"no colon", 400, post + "Content-Length\r\n"},
      {"a folded line", 400, post + "X: a\r\n b\r\n"},
      {"a line folded by a tab", 400, post + "X: a\r\n\tb\r\n"},
      {"a folded length", 400, post + "Content-Length:\r\n 1\r\n"},
      {"a folded first line", 400, get + " Host: x\r\n"},
      {"bare line feeds", 400, "GET / HTTP/1.1\n"},
      {"a bare line feed in the request line", 400, "GET /\n"},
      {"a bare line feed behind a header line", 400, get + "Host: x\n"},
      {"a bare line feed for the empty line", 400, get + kHost + "\n"},
      {"a bare line feed before all", 400, "\n"},
      {"an empty line before all", 400, "\r\n"},
      {"a bare carriage return in the request line", 400, "GET /\r "},
      {"a bare carriage return in a header line", 400, get + "Host: x\rX"},
      {"two carriage returns", 400, get + "Host: x\r\r"},
      {"a bare carriage return for the empty line", 400, get + kHost + "\rX"},
      {"a zero byte", 400, get + std::string("Host: x\0y\r\n", 11)},
      {"no host", 400, get + "\r\n"},
      {"two hosts", 400, get + "Host: x\r\nHost: y\r\n\r\n"},
      {"an encoded line end", 400, "GET /v2%0d%0aX:y HTTP/1.1\r\n"},
      {"an encoded line end in the query", 400, "GET /v2?a=%0D%0A HTTP/1.1\r\n"},
      {"an encoded zero byte", 400, "GET /v2%00 HTTP/1.1\r\n"},
      {"half an encoding", 400, "GET /v2%4 HTTP/1.1\r\n"},
      {"an absolute target", 400, "GET http://x/ HTTP/1.1\r\n"},
      {"two spaces", 400, "GET  / HTTP/1.1\r\n"},
      {"a tab for a space", 400, "GET\t/ HTTP/1.1\r\n"},
      {"a space behind the version", 400, "GET / HTTP/1.1 \r\n"},
      {"a long target", 414, "GET /" + std::string(3000, 'a') + " HTTP/1.1\r\n"},
      {"an unknown method", 501, "BREW / HTTP/1.1\r\n"},
      {"a method in lower case", 501, "get / HTTP/1.1\r\n"},
      {"CONNECT", 501, "CONNECT x:1 HTTP/1.1\r\n"},
      {"another version", 505, "GET / HTTP/2.0\r\n"},
      {"HTTP/2's preface", 505, "PRI * HTTP/2.0\r\n"},
      {"no version", 400, "GET /\r\n"},
      {"TLS", 400, "\x16\x03\x01\x02\n"},
      {"a compressed body", 415, post + "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n"},
      {"another expectation", 417, post + "Expect: tea\r\nContent-Length: 1\r\n\r\n"},
      {"a connection that is no list", 400, get + kHost + "Connection: a b\r\n\r\n"},
      {"a connection of other characters", 400, get + kHost + "Connection: close, \x9b\r\n\r\n"},
      {"a proxy's connection that is no list", 400, get + kHost + "Proxy-Connection: (x)\r\n\r\n"},
      {"a large head", 431, get + kHost + "X: " + std::string(9000, 'a')},
      {"an endless head", 431, get + std::string(9000, 'a')},
  };
  for (Row& row : rows_of_lengths()) rows.push_back(std::move(row));
  return rows;
}

// The same of bodies in chunks.
std::vector<Row> rows_of_chunks() {
  std::vector<Row> rows = {
      {"a chunk that is no number", 400, "x"},
      {"no size", 400, "\r\n"},
      {"a size with a sign", 400, "+1"},
      {"a negative size", 400, "-1"},
      {"a size with 0x", 400, "0x"},
      {"a space before a size", 400, " 1"},
      {"a space behind a size", 400, "1 "},
      {"a tab behind a size", 400, "1\t"},
      {"a size that overflows", 400, "ffffffffffffffff"},
      {"a size of many zeros", 400, "0000000000000001"},
      {"a chunk beyond the limit", 413, "fffffff\r\n"},
      {"chunks beyond the limit", 413, "1\r\na\r\n1000000\r\n"},
      {"a bare line feed behind a size", 400, "1\n"},
      {"a bare line feed behind an extension", 400, "1;a\n"},
      {"a bare line feed in a quoted extension", 400, "1;a=\"\n"},
      {"a bare line feed behind content", 400, "1\r\na\n"},
      {"a bare line feed behind the last chunk", 400, "0\n"},
      {"a bare line feed for the last line", 400, "0\r\n\n"},
      {"a bare line feed behind a trailer", 400, "0\r\nX: y\n"},
      {"a bare carriage return behind a size", 400, "1\ra"},
      {"a bare carriage return in an extension", 400, "1;a\rb"},
      {"a bare carriage return behind content", 400, "1\r\na\rb"},
      {"a bare carriage return in a trailer", 400, "0\r\nX: y\rz"},
      {"a bare carriage return for the last line", 400, "0\r\n\rX"},
      {"content that is longer than its size", 400, "1\r\nab"},
      {"content that is shorter than its size", 400, "5\r\na\r\n0\r\n"},
      {"a zero byte behind a size", 400, std::string("1\0", 2)},
      {"a zero byte in an extension", 400, std::string("1;a\0", 4)},
      {"an empty extension", 400, "1;\r\n"},
      {"an extension without a value", 400, "1;a=\r\n"},
      {"a space in an extension", 400, "1; a\r\n"},
      {"an open quotation", 400, "1;a=\"b\r\n"},
      {"text behind a quotation", 400, "1;a=\"b\"c\r\n"},
      {"an endless extension", 400, "1;" + std::string(9000, 'a')},
      {"a folded trailer", 400, "0\r\nX: y\r\n z\r\n"},
      {"a trailer that is no field", 400, "0\r\nX y\r\n"},
      {"a length as a trailer", 400, "0\r\nContent-Length: 5\r\n"},
      {"a coding as a trailer", 400, "0\r\nTransfer-Encoding: chunked\r\n"},
      {"a host as a trailer", 400, "0\r\nHost: y\r\n"},
      {"a wish for the connection as a trailer", 400, "0\r\nConnection: close\r\n"},
      {"a proxy's as a trailer", 400, "0\r\nProxy-Connection: close\r\n"},
      {"an endless trailer", 400, "0\r\nX: " + std::string(9000, 'a')},
  };
  std::string many = "0\r\n", extensions;
  for (int i = 0; i < 101; ++i) many += "a:b\r\n";
  for (int i = 0; i < 1000; ++i) extensions += "1;abcdefgh\r\na\r\n";
  rows.push_back({"many trailers", 431, many});
  rows.push_back({"a flood of extensions", 400, extensions});
  for (Row& row : rows)
    row.request = "POST /predict HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n" + row.request;
  return rows;
}

std::vector<Row> rows() {
  std::vector<Row> all = rows_of_heads();
  std::ranges::move(rows_of_chunks(), std::back_inserter(all));
  return all;
}

}  // namespace

TEST_CASE("http: what is not strictly HTTP is refused at once, and the connection ends") {
  test::ToyServer server;
  for (const Row& row : rows()) {
    const std::string name = row.name;
    CAPTURE(name);
    for (const std::string& behind : {std::string(), test::get("/metrics")}) {  // the latter smuggled
      Client client(server.port());
      client.send(row.request + behind);
      const std::string all = client.rest();
      CHECK(status_of(all) == row.status);
      CHECK(test::contains(all, "Connection: close\r\n"));
      CHECK(test::contains(all, "{\"error\":"));
      CHECK(all.find("\nHTTP/1.1 ") == all.npos);
    }
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
