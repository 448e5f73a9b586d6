#pragma once

// Internal: bytes of a connection become requests.

#include <optional>
#include <string>
#include <string_view>

#include <kiln/serve/http/chunks.h>
#include <kiln/serve/http/head.h>

namespace kiln::serve {

// Takes the bytes of a connection in pieces of any size. Memory is bounded by the limits, whatever is sent.
// What is refused is refused with the byte or the line that shows it, not at the end of a head or body.
class RequestReader {
 public:
  explicit RequestReader(const Limits& limits);

  enum class State { head, body, complete, refused };
  // Returns how many bytes it took: all of them unless the request became complete or was refused.
  size_t feed(std::string_view bytes);

  State state() const { return state_; }
  // Something of a request has come.
  bool has_begun() const { return state_ != State::head || !text_.empty(); }
  // The client waits for 100 before it sends the body. True once.
  bool wants_continue();
  const Refusal& refusal() const { return refusal_; }
  // The complete request; the next may follow.
  Request take();

 private:
  size_t feed_head(std::string_view bytes);
  size_t feed_body(std::string_view bytes);
  void take_line(std::string_view line);
  void begin_body();
  void refuse(Refusal refusal);

  Limits limits_;
  State state_ = State::head;
  std::string text_;  // of the head
  size_t line_ = 0;   // where its last line begins
  Head head_;
  Request request_;
  Refusal refusal_;
  bool waits_ = false;
  std::optional<ChunkedBody> chunks_;  // of a body that has them
  int64_t rest_ = 0;                   // bytes of another body that are to come
};

}  // namespace kiln::serve
