#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace kiln::test {

// A raw connection to a server of this machine.
class Client {
 public:
  explicit Client(int port);
  explicit Client(const std::string& unix_socket);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // As it is; false when the server has closed.
  bool send(std::string_view bytes) const;
  // No more will be sent.
  void end() const;
  // A whole answer, its head and as much as its Content-Length says; what came before the connection ended,
  // or the time was over.
  std::string answer(bool has_body = true);
  // All until the end.
  std::string rest();
  // Something has come that nobody took yet.
  bool is_answered() const;
  // Whether the server ends the connection within the time.
  bool is_closed(std::chrono::milliseconds within);

 private:
  bool receive();
  int socket_;
  std::string read_;
};

// Sends a request and gives the answer.
std::string ask(int port, std::string_view request);
std::string get(const std::string& path, const std::string& fields = "");
std::string post(const std::string& path, std::string_view body, const std::string& fields = "");

// 200 of "HTTP/1.1 200 OK ..."; 0 where there is none.
int status_of(const std::string& answer);
std::string body_of(const std::string& answer);

}  // namespace kiln::test
