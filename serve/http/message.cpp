#include <kiln/serve/http/message.h>

#include <algorithm>
#include <atomic>

#include <kiln/io/bytes/json.h>
#include <kiln/serve/http/head.h>

namespace kiln::serve {

const std::string* Request::find(std::string_view lower_case_name) const {
  for (const auto& [name, content] : fields)
    if (name == lower_case_name) return &content;
  return nullptr;
}

std::string Request::parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const size_t equals = pair.find('=');
    if (equals != pair.npos && pair.substr(0, equals) == name)
      return percent_decoded(pair.substr(equals + 1)).value_or("");
  }
  return "";
}

Response error_response(int status, std::string_view text) {
  return {.status = status, .body = "{\"error\":" + io::json_string(text) + "}\n"};
}

std::string_view reason_of(int status) {
  static constexpr std::pair<int, std::string_view> kReasons[] = {{200, "OK"},
                                                                  {204, "No Content"},
                                                                  {400, "Bad Request"},
                                                                  {401, "Unauthorized"},
                                                                  {403, "Forbidden"},
                                                                  {404, "Not Found"},
                                                                  {405, "Method Not Allowed"},
                                                                  {408, "Request Timeout"},
                                                                  {409, "Conflict"},
                                                                  {413, "Content Too Large"},
                                                                  {414, "URI Too Long"},
                                                                  {415, "Unsupported Media Type"},
                                                                  {417, "Expectation Failed"},
                                                                  {422, "Unprocessable Content"},
                                                                  {429, "Too Many Requests"},
                                                                  {431, "Request Header Fields Too Large"},
                                                                  {500, "Internal Server Error"},
                                                                  {501, "Not Implemented"},
                                                                  {503, "Service Unavailable"},
                                                                  {504, "Gateway Timeout"},
                                                                  {505, "HTTP Version Not Supported"},
                                                                  {507, "Insufficient Storage"}};
  const auto* found = std::ranges::find(kReasons, status, &std::pair<int, std::string_view>::first);
  return found == std::end(kReasons) ? "Unknown" : found->second;
}

struct Reply::Exchange {
  Function<void(Response)> send;
  Function<bool()> left;
  std::atomic<bool> is_sent = false;

  Exchange(Function<void(Response)> to, Function<bool()> gone) : send(std::move(to)), left(std::move(gone)) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() {
    if (!is_sent) send(error_response(500, "the request was dropped"));
  }
};

Reply::Reply(Function<void(Response)> send, Function<bool()> left)
    : exchange_(std::make_shared<Exchange>(std::move(send), std::move(left))) {}

void Reply::send(Response response) const {
  if (!exchange_->is_sent.exchange(true)) exchange_->send(std::move(response));
}

bool Reply::is_cancelled() const { return exchange_->left(); }

}  // namespace kiln::serve
