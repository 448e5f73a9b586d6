#include <kiln/serve/http/head.h>

#include <algorithm>
#include <utility>

#include <kiln/serve/http/characters.h>
#include <kiln/tensor/fmt.h>

namespace kiln::serve {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = char(c + ('a' - 'A'));
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t";
  const size_t begin = text.find_first_not_of(kSpaces);
  if (begin == text.npos) return "";
  return text.substr(begin, text.find_last_not_of(kSpaces) + 1 - begin);
}

// NAME, NAME, ... (RFC 9110, 5.6.1): calls f with each in lower case; false when it is no such list.
template <class F>
bool for_each_name(std::string_view list, F&& f) {
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::string_view name = trimmed(list.substr(begin, end - begin));
    if (!name.empty() && !is_token(name)) return false;
    if (!name.empty()) f(lower(name));
    begin = end + 1;
  }
  return true;
}

Refusal read_target(std::string_view target, const Limits& limits, Request& request) {
  if (int64_t(target.size()) > limits.target_bytes)
    return {414, fmt::format("the target has {} bytes, the limit is {}", target.size(), limits.target_bytes)};
  if (target == "*" && request.method == "OPTIONS") {
    request.path = target;
    return {};
  }
  if (!target.starts_with('/')) return {400, "the target must begin with '/'"};
  const auto is_fit = [](char c) { return c > ' ' && c < 0x7f && c != '#'; };
  if (!std::ranges::all_of(target, is_fit)) return {400, "the target has characters that must be encoded"};
  const size_t mark = target.find('?');
  const std::optional<std::string> path = percent_decoded(target.substr(0, mark));
  if (mark != target.npos) request.query = target.substr(mark + 1);
  const std::optional<std::string> query = percent_decoded(request.query);
  if (!path || !query) return {400, "the target has a '%' that is not followed by two hexadecimal digits"};
  if (std::ranges::any_of(*path, is_control) || std::ranges::any_of(*query, is_control))
    return {400, "the target has an encoded control character"};
  request.path = *path;
  return {};
}

Refusal read_request_line(std::string_view line, const Limits& limits, Request& request, bool& is_old) {
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == line.npos || first == last) return {400, "the request line is not METHOD TARGET HTTP/1.1"};
  const std::string_view method = line.substr(0, first), version = line.substr(last + 1);
  if (!is_token(method)) return {400, "the method is not a token"};
  static constexpr std::string_view kVersion = "HTTP/";
  if (!version.starts_with(kVersion)) return {400, "the request line is not METHOD TARGET HTTP/1.1"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return {505, "only HTTP/1.1 and HTTP/1.0 are spoken"};
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
  if (std::ranges::find(kMethods, method) == std::end(kMethods)) return {501, "the method is not known"};
  is_old = version == "HTTP/1.0";
  request.method = method;
  return read_target(line.substr(first + 1, last - first - 1), limits, request);
}

int64_t count(const Request& request, std::string_view name) {
  return std::ranges::count_if(request.fields, [&](const auto& field) { return field.first == name; });
}

Refusal check_length(const Request& request, const Limits& limits) {
  const std::string* length = request.find("content-length");
  if (length == nullptr) return {};
  if (count(request, "content-length") > 1) return {400, "Content-Length comes twice"};
  constexpr size_t kDigits = 18;
  if (length->empty() || length->size() > kDigits || !std::ranges::all_of(*length, is_digit))
    return {400, "Content-Length is not a number of bytes"};
  if (std::stoll(*length) > limits.body_bytes)
    return {413, fmt::format("the body has {} bytes, the limit is {}", *length, limits.body_bytes)};
  return {};
}

// Where the body ends, and that it is nothing but itself.
Refusal check_framing(const Request& request, const Limits& limits, bool is_old) {
  if (const int64_t hosts = count(request, "host"); hosts > 1 || (hosts == 0 && !is_old))
    return {400, "one Host is needed"};
  const std::string* coding = request.find("transfer-encoding");
  if (coding != nullptr && (count(request, "transfer-encoding") > 1 || is_old))
    return {400, "Transfer-Encoding comes twice, or in HTTP/1.0"};
  if (coding != nullptr && request.find("content-length") != nullptr)
    return {400, "Content-Length and Transfer-Encoding exclude each other"};
  if (coding != nullptr && lower(*coding) != "chunked")
    return {501, "no transfer coding but chunked is known"};
  const std::string* content = request.find("content-encoding");
  if (content != nullptr && lower(*content) != "identity")
    return {415, "a body with a Content-Encoding is refused; send it as it is"};
  const std::string* expected = request.find("expect");
  if (expected != nullptr && lower(*expected) != "100-continue")
    return {417, "only 100-continue can be expected"};
  return check_length(request, limits);
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || hexadecimal(text[i + 1]) < 0 || hexadecimal(text[i + 2]) < 0) return {};
    out += char(16 * hexadecimal(text[i + 1]) + hexadecimal(text[i + 2]));
    i += 2;
  }
  return out;
}

Refusal read_field(std::string_view line, Fields& fields) {
  if (line.starts_with(' ') || line.starts_with('\t')) return {400, "a folded header line is refused"};
  const size_t colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon)))
    return {400, "a header line is not NAME: VALUE"};
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (std::ranges::any_of(value, [](char c) { return is_control(c) && c != '\t'; }))
    return {400, "a header line has a control character"};
  const std::string name = lower(line.substr(0, colon));
  if ((name == "connection" || name == "proxy-connection") &&
      !for_each_name(value, [](const std::string&) {}))
    return {400, "Connection is not a list of names"};
  fields.emplace_back(name, value);
  return {};
}

Refusal Head::take(std::string_view line, Request& request) {
  if (line.empty()) return end(request);
  if (std::exchange(is_first_, false)) return read_request_line(line, limits_, request, is_old_);
  if (int64_t(request.fields.size()) == limits_.fields)
    return {431, fmt::format("there are more than {} header lines", limits_.fields)};
  return read_field(line, request.fields);
}

Refusal Head::end(Request& request) const {
  if (is_first_) return {400, "there is no request line"};
  bool closes = false, stays = !is_old_;
  for (const auto& [name, value] : request.fields)
    if (name == "connection")
      for_each_name(value, [&](const std::string& wish) {
        closes |= wish == "close";
        stays |= wish == "keep-alive";
      });
  request.keep_alive = stays && !closes;
  return check_framing(request, limits_, is_old_);
}

}  // namespace kiln::serve
