#include <kiln/serve/http/reader.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <limits>

#include <kiln/tensor/fmt.h>

namespace kiln::serve {

namespace http = boost::beast::http;

// Beast's parser for what follows the head. It is given the head too, so that two parsers have agreed on it.
struct RequestReader::Body {
  explicit Body(const Limits& limits) : most_chunks(limits.chunks) {
    parser.header_limit(uint32_t(limits.head_bytes));
    parser.body_limit(uint64_t(limits.body_bytes));
    parser.eager(true);
    parser.on_chunk_header(count_chunk);
  }

  http::request_parser<http::string_body> parser;
  int64_t chunks = 0, most_chunks;
  std::string rest;  // the beginning of a chunk's head
  bool waits =
      false;  // for so many bytes of the first chunk as the last one has at least: Beast asserts them
  std::function<void(uint64_t, boost::string_view, boost::system::error_code&)> count_chunk =
      [this](uint64_t, boost::string_view, boost::system::error_code& error) {
        if (++chunks > most_chunks) error = http::error::body_limit;
      };
};

RequestReader::RequestReader(const Limits& limits) : limits_(limits) {}
RequestReader::~RequestReader() = default;

size_t RequestReader::refuse(Refusal refusal) {
  refusal_ = std::move(refusal);
  state_ = State::refused;
  body_.reset();
  head_.clear();
  return 0;
}

size_t RequestReader::feed(std::string_view bytes) {
  size_t taken = 0;
  if (state_ == State::head) taken = feed_head(bytes);
  if (state_ == State::body) taken += feed_body(bytes.substr(taken));
  return taken;
}

size_t RequestReader::feed_head(std::string_view bytes) {
  const size_t before = head_.size(), room = size_t(limits_.head_bytes) - before;
  head_ += bytes.substr(0, room);
  constexpr std::string_view kEnd = "\r\n\r\n";
  const size_t end = head_.find(kEnd, before < kEnd.size() ? 0 : before - kEnd.size());
  for (size_t i = before; i < std::min(end, head_.size()); ++i)
    if (head_[i] == '\n' && (i == 0 || head_[i - 1] != '\r'))
      return refuse({400, "a line ends without a carriage return"});
  if (end == head_.npos) {
    if (bytes.size() >= room)
      return refuse({431, fmt::format("the head has more than {} bytes", limits_.head_bytes)});
    return bytes.size();
  }
  head_.resize(end + kEnd.size());
  const size_t taken = head_.size() - before;
  if (Refusal refusal = read_head(head_, limits_, request_); refusal.status != 0)
    return refuse(std::move(refusal));
  body_ = std::make_unique<Body>(limits_);
  state_ = State::body;
  const std::string* expected = request_.find("expect");
  waits_ = expected != nullptr;
  const std::string head = std::move(head_);
  head_.clear();
  feed_body(head);
  if (state_ == State::body) body_->waits = request_.find("transfer-encoding") != nullptr;
  return taken;
}

size_t RequestReader::feed_body(std::string_view bytes) {
  auto& parser = body_->parser;
  const size_t before = body_->rest.size();
  if (before > 0) body_->rest += bytes;
  const std::string_view all = before > 0 ? std::string_view(body_->rest) : bytes;
  constexpr std::string_view kLastChunk = "0\r\n\r\n";
  if (body_->waits && all.size() < kLastChunk.size()) {
    if (before == 0) body_->rest = bytes;
    return bytes.size();
  }
  body_->waits = false;
  size_t at = 0;
  while (!parser.is_done() && at < all.size()) {
    boost::system::error_code error;
    const size_t used = parser.put(boost::asio::buffer(all.data() + at, all.size() - at), error);
    at += used;
    if (error == http::error::need_more) {
      if (used == 0) break;
    } else if (error == http::error::body_limit) {
      return refuse({413, fmt::format("the body has more than {} bytes or {} chunks", limits_.body_bytes,
                                      limits_.chunks)});
    } else if (error) {
      return refuse({400, "the body is not framed as HTTP/1.1 wants it"});
    }
  }
  if (parser.is_done()) {
    request_.body = std::move(parser.get().body());
    body_.reset();
    state_ = State::complete;
    return at - before;
  }
  std::string rest(all.substr(at));
  if (int64_t(rest.size()) > limits_.head_bytes) return refuse({400, "the head of a chunk does not end"});
  body_->rest = std::move(rest);
  return bytes.size();
}

bool RequestReader::wants_continue() { return state_ == State::body && std::exchange(waits_, false); }

Request RequestReader::take() {
  state_ = State::head;
  waits_ = false;
  return std::exchange(request_, {});
}

}  // namespace kiln::serve
