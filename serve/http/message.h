#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kiln/tensor/base/function.h>

namespace kiln::serve {

using Fields = std::vector<std::pair<std::string, std::string>>;

// A whole HTTP request that has passed the reader's checks.
struct Request {
  std::string method;  // GET, HEAD, POST, PUT, DELETE, PATCH or OPTIONS
  std::string path;    // percent-decoded, begins with '/'; "*" for OPTIONS of the server
  std::string query;   // what follows '?', as it was sent
  Fields fields;       // names in lower case
  std::string body;
  bool keep_alive = true;
  std::string peer;          // "127.0.0.1"; "unix" for the socket in the file system
  bool is_loopback = false;  // of this machine, by the loopback device or that socket

  // The field's content; null when it is not there.
  const std::string* find(std::string_view lower_case_name) const;
  // The value of a name in the query, percent-decoded; "" when it is not there.
  std::string parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  Fields fields = {};  // more of them
  // For the log: the version that answered, and where the time went, in microseconds.
  std::string version = {};
  int64_t queue_us = 0, compute_us = 0;
};

// {"error": text}
Response error_response(int status, std::string_view text);
// "OK", "Not Found", ...
std::string_view reason_of(int status);

// Where the answer to a request goes, once, from any thread. When all copies of a Reply that was not answered
// go, the client is told 500.
class Reply {
 public:
  // `left` is asked whether the client has gone.
  explicit Reply(
      Function<void(Response)> send, Function<bool()> left = [] { return false; });

  void send(Response response) const;
  // Nobody waits for the answer any more.
  bool is_cancelled() const;

 private:
  struct Exchange;
  std::shared_ptr<Exchange> exchange_;
};

using Handler = Function<void(Request request, Reply reply)>;

}  // namespace kiln::serve
