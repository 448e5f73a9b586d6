#include <kiln/serve/http/server.h>

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <kiln/serve/http/connection.h>
#include <kiln/serve/http/core.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

std::string name_of(const Tcp::endpoint& peer) { return peer.address().to_string(); }
std::string name_of(const asio::local::stream_protocol::endpoint&) { return "unix"; }

bool is_loopback(const Tcp::endpoint& peer) {
  const auto address = peer.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
  return address.is_loopback();
}
bool is_loopback(const asio::local::stream_protocol::endpoint&) { return true; }

void prepare(Tcp::socket& socket) {
  ErrorCode ignored;
  ignored = socket.set_option(Tcp::no_delay(true), ignored);
}
void prepare(asio::local::stream_protocol::socket&) {}

template <class Acceptor>
void accept(Server::Core& core, Acceptor& acceptor);

// Without descriptors, or what else the system lacks, trying again at once would keep a processor busy.
template <class Acceptor>
void accept_later(Server::Core& core, Acceptor& acceptor) {
  constexpr std::chrono::milliseconds kPause(50);
  const auto timer = std::make_shared<asio::steady_timer>(acceptor.get_executor(), kPause);
  timer->async_wait([timer, &core, &acceptor](ErrorCode) {
    if (acceptor.is_open() && !core.is_stopping) accept(core, acceptor);
  });
}

// One connection after the other, as long as the acceptor is open.
template <class Acceptor>
void accept(Server::Core& core, Acceptor& acceptor) {
  using Protocol = typename Acceptor::protocol_type;
  acceptor.async_accept(asio::make_strand(core.io), [&](ErrorCode error, typename Protocol::socket socket) {
    if (!acceptor.is_open() || core.is_stopping) return;
    if (error) return accept_later(core, acceptor);
    ErrorCode gone;
    const auto peer = socket.remote_endpoint(gone);
    if (!gone) {
      prepare(socket);
      const auto connection =
          std::make_shared<Connection>(core, std::move(socket), name_of(peer), is_loopback(peer));
      if (core.enter(connection))
        connection->start();
      else
        connection->turn_away();
    }
    accept(core, acceptor);
  });
}

void listen(Server::Core& core) {
  ErrorCode error;
  const auto address = asio::ip::make_address(core.options.address, error);
  if (error) fail("server: '{}' is no address; give one of this machine's", core.options.address);
  if (core.options.port < 0 || core.options.port > 65535)
    fail("server: {} is no port; give 0 to 65535", core.options.port);
  const Tcp::endpoint place(address, uint16_t(core.options.port));
  error = core.tcp.open(place.protocol(), error);
  if (!error) error = core.tcp.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) error = core.tcp.bind(place, error);
  if (!error) error = core.tcp.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    fail("server: cannot listen on {} port {}: {}", core.options.address, core.options.port, error.message());
  core.port = core.tcp.local_endpoint().port();
}

void listen_locally(Server::Core& core) {
  const std::string& path = core.options.unix_socket;
  struct stat info;
  // One that nobody listens on was left by a program that was killed.
  if (::lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) fail("server: '{}' is there and is no socket", path);
    ::unlink(path.c_str());
  }
  ErrorCode error;
  error = core.local.open({}, error);
  if (!error) error = core.local.bind({path}, error);
  if (!error && ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0)
    error.assign(errno, boost::system::system_category());
  if (!error) error = core.local.listen(asio::socket_base::max_listen_connections, error);
  if (error) fail("server: cannot listen on '{}': {}", path, error.message());
}

}  // namespace

bool Server::Core::enter(const std::shared_ptr<Connection>& connection) {
  const std::scoped_lock lock(mutex);
  const bool is_room = int64_t(connections.size()) < options.connections;
  connections[connection.get()] = connection;
  return is_room;
}

void Server::Core::leave(const Connection* connection) {
  const std::scoped_lock lock(mutex);
  connections.erase(connection);
  changed.notify_all();
}

std::vector<std::shared_ptr<Connection>> Server::Core::all() {
  const std::scoped_lock lock(mutex);
  std::vector<std::shared_ptr<Connection>> found;
  for (const auto& [key, connection] : connections)
    if (auto alive = connection.lock()) found.push_back(std::move(alive));
  return found;
}

Server::Server(const ServerOptions& options, Handler handler)
    : core_(std::make_shared<Core>(options, std::move(handler))) {
  if (options.threads < 1) fail("server: {} threads cannot serve; give at least 1", options.threads);
  listen(*core_);
  accept(*core_, core_->tcp);
  if (!options.unix_socket.empty()) {
    listen_locally(*core_);
    accept(*core_, core_->local);
  }
  for (int i = 0; i < options.threads; ++i)
    core_->threads.emplace_back([core = core_.get()] { core->io.run(); });
}

int Server::port() const { return core_->port; }

int64_t Server::connections() const {
  const std::scoped_lock lock(core_->mutex);
  return int64_t(core_->connections.size());
}

void Server::stop() {
  if (core_->is_stopping.exchange(true)) return;
  const auto close = [](auto& acceptor) {
    asio::post(acceptor.get_executor(), [&acceptor] {
      ErrorCode ignored;
      ignored = acceptor.close(ignored);
    });
  };
  close(core_->tcp);
  close(core_->local);
  for (const auto& connection : core_->all())
    asio::post(connection->socket().get_executor(), [connection] { connection->wind_up(); });
  {
    std::unique_lock lock(core_->mutex);
    core_->changed.wait_for(lock, core_->options.drain_timeout, [&] { return core_->connections.empty(); });
  }
  core_->io.stop();
  core_->threads.clear();
  ErrorCode ignored;  // where the threads ended before they closed them
  ignored = core_->tcp.close(ignored);
  ignored = core_->local.close(ignored);
  for (const auto& connection : core_->all()) connection->close();
  if (!core_->options.unix_socket.empty()) ::unlink(core_->options.unix_socket.c_str());
}

Server::~Server() { stop(); }

}  // namespace kiln::serve
