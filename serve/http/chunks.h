#pragma once

// Internal: a body in chunks (RFC 9112, 7.1), read strictly.

#include <string>
#include <string_view>

#include <kiln/serve/http/head.h>

namespace kiln::serve {

// Takes bytes in pieces of any size. What another program could read differently is refused with the byte
// that shows it: line feeds and carriage returns alone, white space around a size or in an extension, sizes
// of more than 15 digits, trailers that are no fields or speak of the body's frame or the connection. So is
// what asks for too much: more chunks than limits.chunks, a chunk beyond limits.body_bytes before its
// content, more than limits.head_bytes of extensions and trailers together. Extensions and trailers are
// dropped.
class ChunkedBody {
 public:
  explicit ChunkedBody(const Limits& limits) : limits_(limits) {}

  // Appends what the chunks hold to `body`, and returns how many bytes it took: all of them unless the body
  // ended or was refused.
  size_t feed(std::string_view bytes, std::string& body);

  bool is_complete() const { return next_ == Next::nothing; }
  // Its status is 0 as long as nothing was refused.
  const Refusal& refusal() const { return refusal_; }

 private:
  enum class Next { size, content, content_end, trailer, nothing };
  size_t take_content(std::string_view bytes, std::string& body);
  void take(char byte, size_t body_bytes);
  void take_size(size_t body_bytes);
  void take_trailer();
  void refuse(int status, std::string text) { refusal_ = {status, std::move(text)}; }

  Limits limits_;
  Next next_ = Next::size;
  std::string line_;    // as far as it has come
  int64_t rest_ = 0;    // bytes of the chunk that are to come
  int64_t chunks_ = 0;  // that have content
  int64_t beside_ = 0;  // bytes of extensions and trailers
  Fields trailers_;
  Refusal refusal_;
};

}  // namespace kiln::serve
