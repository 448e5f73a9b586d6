#pragma once

// Internal: one connection of a server.

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <string_view>

#include <kiln/serve/http/core.h>
#include <kiln/serve/http/reader.h>

namespace kiln::serve {

// All but the constructor runs on the socket's strand.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  Connection(Server::Core& core, Socket socket, std::string peer, bool is_loopback);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  // Says 503 and ends.
  void turn_away();
  // Ends at once when no request is under way, else after the answer.
  void wind_up();
  void close();
  Socket& socket() { return socket_; }

 private:
  void read();
  void receive();
  bool consume(std::string_view bytes);
  void say_continue();
  void dispatch();
  void watch();
  void answer(uint64_t exchange, const Response& response);
  void refuse(const Refusal& refusal);
  void write(const Response& response, bool is_head_request);
  void linger();
  void set_deadline(std::chrono::milliseconds time);
  void time_is_up();

  Server::Core& core_;
  Socket socket_;
  boost::asio::steady_timer timer_;
  std::string peer_;
  bool is_loopback_;
  RequestReader reader_;
  std::string input_;   // read and not yet taken
  std::string output_;  // being written
  uint64_t exchanges_ = 0, deadlines_ = 0;
  RequestReader::State timed_ = RequestReader::State::complete;  // what the deadline is of
  std::shared_ptr<std::atomic<bool>> has_left_;
  enum class Phase { reading, handling, writing, lingering, closed } phase_ = Phase::reading;
  bool keep_alive_ = true, is_head_request_ = false;
};

}  // namespace kiln::serve
