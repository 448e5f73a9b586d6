#include "support/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace kiln::test {
namespace {

constexpr int kPatience = 20000;  // milliseconds

bool is_readable(int socket, int milliseconds) {
  pollfd wanted = {socket, POLLIN, 0};
  return ::poll(&wanted, 1, milliseconds) == 1;
}

void connect_to(int socket, const sockaddr* address, socklen_t bytes) {
  if (::connect(socket, address, bytes) != 0) throw std::runtime_error("cannot connect");
}

}  // namespace

Client::Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(uint16_t(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connect_to(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int yes = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

Client::Client(const std::string& unix_socket) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, unix_socket.c_str(), sizeof address.sun_path - 1);
  connect_to(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

Client::~Client() { ::close(socket_); }

bool Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(size_t(sent));
  }
  return true;
}

void Client::end() const { ::shutdown(socket_, SHUT_WR); }

bool Client::receive() {
  char buffer[1 << 16];
  if (!is_readable(socket_, kPatience)) return false;
  const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  read_.append(buffer, size_t(got));
  return true;
}

std::string Client::answer(bool has_body) {
  constexpr std::string_view kEnd = "\r\n\r\n", kLength = "Content-Length: ";
  size_t end = 0;
  while ((end = read_.find(kEnd)) == read_.npos)
    if (!receive()) return std::exchange(read_, "");
  end += kEnd.size();
  if (const size_t length = read_.find(kLength); has_body && length < end)
    end += size_t(std::atoll(read_.c_str() + length + kLength.size()));
  while (read_.size() < end)
    if (!receive()) return std::exchange(read_, "");
  const std::string answer = read_.substr(0, end);
  read_.erase(0, end);
  return answer;
}

std::string Client::rest() {
  while (receive()) continue;
  return std::exchange(read_, "");
}

bool Client::is_answered() const { return is_readable(socket_, 0); }

bool Client::is_closed(std::chrono::milliseconds within) {
  char byte = 0;
  return is_readable(socket_, int(within.count())) && ::recv(socket_, &byte, 1, MSG_PEEK) <= 0;
}

std::string ask(int port, std::string_view request) {
  Client client(port);
  client.send(request);
  return client.answer();
}

std::string get(const std::string& path, const std::string& fields) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

std::string post(const std::string& path, std::string_view body, const std::string& fields) {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

int status_of(const std::string& answer) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  return answer.starts_with(kVersion) ? std::atoi(answer.c_str() + kVersion.size()) : 0;
}

std::string body_of(const std::string& answer) {
  const size_t end = answer.find("\r\n\r\n");
  return end == answer.npos ? "" : answer.substr(end + 4);
}

}  // namespace kiln::test
