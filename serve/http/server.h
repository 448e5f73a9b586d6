#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <kiln/serve/http/limits.h>
#include <kiln/serve/http/message.h>

namespace kiln::serve {

struct ServerOptions {
  std::string address = "127.0.0.1";  // or another of this machine's, "0.0.0.0" or "::" for all
  int port = 0;                       // 0: one that is free
  std::string unix_socket;            // a path: listens there too
  int threads = 2;                    // that read and write; a handler that computes does so on others
  int connections = 1024;             // at once; more are told 503
  Limits limits = {};
  std::chrono::milliseconds head_timeout{10000};   // from a request's first byte to the end of its head
  std::chrono::milliseconds body_timeout{30000};   // from there to the end of its body
  std::chrono::milliseconds idle_timeout{60000};   // between requests
  std::chrono::milliseconds write_timeout{30000};  // for an answer
  std::chrono::milliseconds drain_timeout{10000};  // for what is under way when it stops
};

// HTTP/1.1 and 1.0 (RFC 9112) without TLS, which is a proxy's. Requests of one connection are answered in
// their order, one at a time; while one is under way the connection is only watched for its end: a client
// that closes it, or its half of it, has left.
class Server {
 public:
  // Listens when it returns. The handler is called by the server's threads, several at once.
  Server(const ServerOptions& options, Handler handler);
  // stop()
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;
  int64_t connections() const;
  // Takes no more connections and requests, lets those under way end within the time that options give, and
  // ends the threads.
  void stop();

  struct Core;

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace kiln::serve
