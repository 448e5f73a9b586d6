#pragma once

// Internal: bytes of a connection become requests.

#include <memory>
#include <string>
#include <string_view>

#include <kiln/serve/http/head.h>

namespace kiln::serve {

// Takes the bytes of a connection in pieces of any size. Memory is bounded by the limits, whatever is sent.
class RequestReader {
 public:
  explicit RequestReader(const Limits& limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  enum class State { head, body, complete, refused };
  // Returns how many bytes it took: all of them unless the request became complete or was refused.
  size_t feed(std::string_view bytes);

  State state() const { return state_; }
  // Something of a request has come.
  bool has_begun() const { return state_ != State::head || !head_.empty(); }
  // The client waits for 100 before it sends the body. True once.
  bool wants_continue();
  const Refusal& refusal() const { return refusal_; }
  // The complete request; the next may follow.
  Request take();

 private:
  struct Body;
  size_t feed_head(std::string_view bytes);
  size_t feed_body(std::string_view bytes);
  size_t refuse(Refusal refusal);

  Limits limits_;
  State state_ = State::head;
  std::string head_;
  Request request_;
  Refusal refusal_;
  bool waits_ = false;
  std::unique_ptr<Body> body_;
};

}  // namespace kiln::serve
