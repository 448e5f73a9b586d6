#include <kiln/serve/http/connection.h>

#include <sys/socket.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <ctime>

#include <kiln/tensor/fmt.h>

namespace kiln::serve {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using Socket = Connection::Socket;
using State = RequestReader::State;

namespace {

// As RFC 9110 wants it: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string date_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  ::gmtime_r(&now, &parts);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[parts.tm_wday], parts.tm_mday,
                     kMonths[parts.tm_mon], 1900 + parts.tm_year, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

constexpr size_t kPiece = 128 << 10, kTurn = 16 * kPiece;

// One read without waiting, into memory of the thread: a connection that waits holds none.
class ReceivedBytes {
 public:
  explicit ReceivedBytes(Socket& socket) {
    thread_local std::array<char, kPiece> buffer;
    do count_ = ::recv(socket.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    while (count_ < 0 && errno == EINTR);
    is_nothing_ = count_ < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    data_ = buffer.data();
  }
  bool is_nothing() const { return is_nothing_; }
  bool is_end() const { return count_ <= 0 && !is_nothing_; }
  std::string_view bytes() const { return {data_, size_t(count_)}; }

 private:
  ssize_t count_;
  bool is_nothing_;
  const char* data_;
};

}  // namespace

Connection::Connection(Server::Core& core, Socket socket, std::string peer, bool is_loopback)
    : core_(core),
      socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      peer_(std::move(peer)),
      is_loopback_(is_loopback),
      reader_(core.options.limits) {}

Connection::~Connection() { core_.leave(this); }

void Connection::start() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->read(); });
}

void Connection::turn_away() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->refuse({503, "there are too many connections; try again later"});
  });
}

void Connection::wind_up() {
  keep_alive_ = false;
  if (phase_ == Phase::reading && !reader_.has_begun()) close();
}

void Connection::close() {
  phase_ = Phase::closed;
  if (has_left_) *has_left_ = true;
  ErrorCode ignored;
  ignored = socket_.close(ignored);
  timer_.cancel();
}

// A request's head and body have a time each, from their beginning on, so that drops of bytes do not renew
// it.
void Connection::read() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::reading;
  if (!reader_.has_begun() && core_.is_stopping) return close();
  const State now = reader_.has_begun() ? reader_.state() : State::complete;
  if (now != timed_ || now == State::complete) {
    timed_ = now;
    set_deadline(now == State::head   ? core_.options.head_timeout
                 : now == State::body ? core_.options.body_timeout
                                      : core_.options.idle_timeout);
  }
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](ErrorCode error) {
    if (self->phase_ != Phase::reading) return;
    if (error) return self->close();
    self->receive();
  });
}

// Takes what has come, but not all of a body that comes as fast as it is read: others want the thread too.
void Connection::receive() {
  for (size_t all = 0; all < kTurn;) {
    const ReceivedBytes received(socket_);
    if (received.is_nothing()) return read();
    if (received.is_end()) return close();
    if (consume(received.bytes())) return;
    all += received.bytes().size();
  }
  read();
}

// Whether the connection has something else to do now than to read on.
bool Connection::consume(std::string_view bytes) {
  std::string rest(bytes.substr(reader_.feed(bytes)));  // bytes may be those of input_
  input_ = std::move(rest);
  if (reader_.state() == State::refused)
    refuse(reader_.refusal());
  else if (reader_.state() == State::complete)
    dispatch();
  else if (reader_.wants_continue())
    say_continue();
  else
    return false;
  return true;
}

void Connection::say_continue() {
  output_ = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(socket_, asio::buffer(output_), [self = shared_from_this()](ErrorCode error, size_t) {
    if (self->phase_ != Phase::reading) return;
    if (error) return self->close();
    self->read();
  });
}

void Connection::dispatch() {
  phase_ = Phase::handling;
  timer_.cancel();
  ++deadlines_;
  timed_ = State::complete;
  Request request = reader_.take();
  request.peer = peer_;
  request.is_loopback = is_loopback_;
  keep_alive_ = request.keep_alive && !core_.is_stopping;
  is_head_request_ = request.method == "HEAD";
  has_left_ = std::make_shared<std::atomic<bool>>(false);
  const auto send = [core = core_.shared_from_this(), weak = weak_from_this(),
                     exchange = ++exchanges_](Response response) {
    // The server's core outlives what is posted to it.
    if (const auto self = weak.lock())
      asio::post(self->socket_.get_executor(),
                 [self, exchange, answer = std::move(response)] { self->answer(exchange, answer); });
  };
  watch();
  const Reply reply(send, [left = has_left_] { return left->load(); });
  try {
    core_.handler(std::move(request), reply);
  } catch (const std::exception&) {
    reply.send(error_response(500, "the server failed"));
  }
}

// Whether there is something to read is asked of the system: bytes that were taken already may still be
// reported.
void Connection::watch() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this(), exchange = exchanges_](ErrorCode error) {
    if (self->phase_ != Phase::handling || self->exchanges_ != exchange) return;
    char byte = 0;
    const ssize_t found =
        error ? 0 : ::recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    const bool is_nothing = found < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (is_nothing) return self->watch();
    if (found <= 0) self->close();
  });
}

void Connection::answer(uint64_t exchange, const Response& response) {
  if (phase_ != Phase::handling || exchange != exchanges_) return;
  write(response, is_head_request_);
}

void Connection::refuse(const Refusal& refusal) {
  keep_alive_ = false;
  write(error_response(refusal.status, refusal.text), false);
}

void Connection::write(const Response& response, bool is_head_request) {
  phase_ = Phase::writing;
  keep_alive_ &= !core_.is_stopping;
  output_ =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n", response.status,
                  reason_of(response.status), date_text(), response.type, response.body.size());
  for (const auto& [name, content] : response.fields) output_ += fmt::format("{}: {}\r\n", name, content);
  output_ += keep_alive_ ? "\r\n" : "Connection: close\r\n\r\n";
  if (!is_head_request) output_ += response.body;
  set_deadline(core_.options.write_timeout);
  asio::async_write(socket_, asio::buffer(output_), [self = shared_from_this()](ErrorCode error, size_t) {
    if (self->phase_ != Phase::writing) return;
    if (error) return self->close();
    if (!self->keep_alive_) return self->linger();
    self->phase_ = Phase::reading;
    if (self->input_.empty() || !self->consume(self->input_)) self->read();
  });
}

// A socket that is closed with bytes unread resets the connection, and the client may lose the answer.
void Connection::linger() {
  if (phase_ != Phase::lingering) {
    phase_ = Phase::lingering;
    ErrorCode ignored;
    ignored = socket_.shutdown(Socket::shutdown_send, ignored);
    constexpr std::chrono::milliseconds kLinger(1000);
    set_deadline(kLinger);
  }
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](ErrorCode error) {
    if (error || self->phase_ != Phase::lingering || ReceivedBytes(self->socket_).is_end())
      return self->close();
    self->linger();
  });
}

void Connection::set_deadline(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([self = shared_from_this(), deadline = ++deadlines_](ErrorCode error) {
    if (!error && self->deadlines_ == deadline) self->time_is_up();
  });
}

void Connection::time_is_up() {
  if (phase_ == Phase::reading && reader_.has_begun())
    return refuse({408, "the request did not come in time"});
  close();
}

}  // namespace kiln::serve
