#pragma once

// Internal: what the connections of a server share.

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/strand.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include <kiln/serve/http/server.h>

namespace kiln::serve {

class Connection;

struct Server::Core : std::enable_shared_from_this<Server::Core> {
  Core(const ServerOptions& wanted, Handler what) : options(wanted), handler(std::move(what)) {}

  // False when there are too many.
  bool enter(const std::shared_ptr<Connection>& connection);
  void leave(const Connection* connection);
  std::vector<std::shared_ptr<Connection>> all();

  ServerOptions options;
  Handler handler;
  std::atomic<bool> is_stopping = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::unordered_map<const Connection*, std::weak_ptr<Connection>> connections;
  int port = 0;
  // Goes before the rest: it holds the connections.
  boost::asio::io_context io;
  // The threads stay until stop() ends them: what it gives them to do may come when nothing else is left.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  // Each on a strand, which its handlers run on, and what closes it.
  boost::asio::ip::tcp::acceptor tcp{boost::asio::make_strand(io)};
  boost::asio::local::stream_protocol::acceptor local{boost::asio::make_strand(io)};
  std::vector<std::jthread> threads;
};

}  // namespace kiln::serve
