#include <kiln/serve/http/reader.h>

#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <kiln/serve/http/characters.h>
#include <kiln/tensor/fmt.h>

namespace kiln::serve {
namespace {

namespace http = boost::beast::http;

// Beast reads the head too, so that two parsers agree on it: on what it says of the body above all.
bool beast_agrees(const std::string& head, const Limits& limits, bool is_chunked, int64_t length) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(uint32_t(limits.head_bytes));
  parser.body_limit(uint64_t(limits.body_bytes));
  boost::system::error_code error;
  const size_t used = parser.put(boost::asio::buffer(head), error);
  return !error && used == head.size() && parser.is_header_done() && parser.chunked() == is_chunked &&
         int64_t(parser.content_length().value_or(0)) == length;
}

}  // namespace

RequestReader::RequestReader(const Limits& limits) : limits_(limits), head_(limits) {}

void RequestReader::refuse(Refusal refusal) {
  refusal_ = std::move(refusal);
  state_ = State::refused;
  text_.clear();
  request_ = {};
}

size_t RequestReader::feed(std::string_view bytes) {
  size_t taken = 0;
  if (state_ == State::head) taken = feed_head(bytes);
  if (state_ == State::body) taken += feed_body(bytes.substr(taken));
  return taken;
}

size_t RequestReader::feed_head(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size() && state_ == State::head) {
    const char byte = bytes[at++];
    if (int64_t(text_.size()) == limits_.head_bytes)
      refuse({431, fmt::format("the head has more than {} bytes", limits_.head_bytes)});
    else if (const char* why = wrong_line_end(text_.empty() ? '\0' : text_.back(), byte))
      refuse({400, why});
    else {
      text_ += byte;
      if (byte == '\n') take_line(std::string_view(text_).substr(line_, text_.size() - 2 - line_));
    }
  }
  return at;
}

void RequestReader::take_line(std::string_view line) {
  const bool is_last = line.empty();
  if (Refusal refusal = head_.take(line, request_); refusal.status != 0) return refuse(std::move(refusal));
  line_ = text_.size();
  if (is_last) begin_body();
}

void RequestReader::begin_body() {
  const bool is_chunked = request_.find("transfer-encoding") != nullptr;
  const std::string* length = request_.find("content-length");
  rest_ = length == nullptr ? 0 : std::stoll(*length);
  if (!beast_agrees(text_, limits_, is_chunked, rest_))
    return refuse({400, "the head is not as HTTP/1.1 wants it"});
  if (is_chunked) chunks_.emplace(limits_);
  waits_ = request_.find("expect") != nullptr;
  constexpr int64_t kMostReserved = 1 << 20;  // more is taken as it comes: a length is quickly claimed
  request_.body.reserve(size_t(std::min(rest_, kMostReserved)));
  state_ = State::body;
}

size_t RequestReader::feed_body(std::string_view bytes) {
  size_t taken = 0;
  if (chunks_) {
    taken = chunks_->feed(bytes, request_.body);
    if (chunks_->refusal().status != 0) {
      refuse(chunks_->refusal());
      return taken;
    }
  } else {
    taken = std::min(bytes.size(), size_t(rest_));
    request_.body += bytes.substr(0, taken);
    rest_ -= int64_t(taken);
  }
  if (chunks_ ? chunks_->is_complete() : rest_ == 0) state_ = State::complete;
  return taken;
}

bool RequestReader::wants_continue() { return state_ == State::body && std::exchange(waits_, false); }

Request RequestReader::take() {
  state_ = State::head;
  text_.clear();
  line_ = 0;
  head_ = Head(limits_);
  chunks_.reset();
  waits_ = false;
  return std::exchange(request_, {});
}

}  // namespace kiln::serve
