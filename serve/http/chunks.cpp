#include <kiln/serve/http/chunks.h>

#include <algorithm>

#include <kiln/serve/http/characters.h>
#include <kiln/tensor/fmt.h>

namespace kiln::serve {
namespace {

// Where a quoted text that begins `text` ends; npos when it does not.
size_t end_of_quoted(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    i += text[i] == '\\';
  }
  return text.npos;
}

size_t end_of_token(std::string_view text) {
  return size_t(std::ranges::find_if_not(text, [](char c) { return is_token(c); }) - text.begin());
}

// ;name, ;name=token and ;name="quoted", one behind the other.
bool are_extensions(std::string_view text) {
  while (!text.empty()) {
    if (text[0] != ';') return false;
    text.remove_prefix(1);
    const size_t name = end_of_token(text);
    if (name == 0) return false;
    text.remove_prefix(name);
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    const size_t value = text.starts_with('"') ? end_of_quoted(text) : end_of_token(text);
    if (value == 0 || value == text.npos) return false;
    text.remove_prefix(value);
  }
  return true;
}

}  // namespace

size_t ChunkedBody::feed(std::string_view bytes, std::string& body) {
  size_t at = 0;
  while (at < bytes.size() && !is_complete() && refusal_.status == 0)
    if (next_ == Next::content)
      at += take_content(bytes.substr(at), body);
    else
      take(bytes[at++], body.size());
  return at;
}

size_t ChunkedBody::take_content(std::string_view bytes, std::string& body) {
  const size_t taken = std::min(bytes.size(), size_t(rest_));
  body += bytes.substr(0, taken);
  rest_ -= int64_t(taken);
  if (rest_ == 0) next_ = Next::content_end;
  return taken;
}

// A byte of a line: of a size, of a trailer, or of the end of a chunk's content, which is an empty line.
void ChunkedBody::take(char byte, size_t body_bytes) {
  if (const char* why = wrong_line_end(line_.empty() ? '\0' : line_.back(), byte)) return refuse(400, why);
  if (is_control(byte) && byte != '\r' && byte != '\n' && byte != '\t')
    return refuse(400, "a control character stands between the chunks");
  const bool is_beside = next_ == Next::trailer || line_.find(';') != line_.npos;
  if (is_beside && ++beside_ > limits_.head_bytes)
    return refuse(
        400, fmt::format("extensions of chunks and trailers have more than {} bytes", limits_.head_bytes));
  constexpr size_t kLongestSize = 15;  // digits; no sum of two such numbers overflows
  if (next_ == Next::content_end && byte != '\r' && byte != '\n')
    return refuse(400, "a chunk is longer than its size");
  if (next_ == Next::size && !is_beside && line_.size() == kLongestSize && hexadecimal(byte) >= 0)
    return refuse(400, "the size of a chunk has too many digits");
  if (next_ == Next::size && !is_beside && hexadecimal(byte) < 0 &&
      (line_.empty() || (byte != ';' && byte != '\r' && byte != '\n')))
    return refuse(400, "the size of a chunk is not a hexadecimal number");
  line_ += byte;
  if (byte != '\n') return;
  line_.resize(line_.size() - 2);
  if (next_ == Next::size)
    take_size(body_bytes);
  else if (next_ == Next::trailer)
    take_trailer();
  else
    next_ = Next::size;
  line_.clear();
}

void ChunkedBody::take_size(size_t body_bytes) {
  const size_t digits = std::min(line_.find(';'), line_.size());
  if (!are_extensions(std::string_view(line_).substr(digits)))
    return refuse(400, "the extension of a chunk is not ;NAME=VALUE");
  rest_ = 0;
  for (size_t i = 0; i < digits; ++i) rest_ = 16 * rest_ + hexadecimal(line_[i]);
  next_ = rest_ == 0 ? Next::trailer : Next::content;
  if (rest_ > 0 && ++chunks_ > limits_.chunks)
    refuse(413, fmt::format("the body has more than {} chunks", limits_.chunks));
  else if (rest_ > limits_.body_bytes - int64_t(body_bytes))
    refuse(413, fmt::format("the body has more than {} bytes", limits_.body_bytes));
}

void ChunkedBody::take_trailer() {
  if (line_.empty()) {
    next_ = Next::nothing;
    return;
  }
  if (int64_t(trailers_.size()) == limits_.fields)
    return refuse(431, fmt::format("there are more than {} trailers", limits_.fields));
  refusal_ = read_field(line_, trailers_);
  if (refusal_.status != 0) return;
  constexpr std::string_view kOfTheFrame[] = {"content-length", "transfer-encoding", "host",
                                              "trailer",        "connection",        "proxy-connection"};
  if (std::ranges::find(kOfTheFrame, trailers_.back().first) != std::end(kOfTheFrame))
    refuse(400, "a trailer may not say where the body ends, for whom it is, or whether the connection stays");
}

}  // namespace kiln::serve
