#include <kiln/annotate/routes/read.h>
#include <kiln/annotate/routes/state.h>
#include <kiln/io/bytes/json.h>
#include <kiln/io/bytes/sha256.h>
#include <kiln/serve/routes/authority.h>
#include <kiln/serve/routes/http_error.h>

namespace kiln::annotate::routes {
namespace {

constexpr std::string_view kCookie = "kiln_annotate=";

// Of the page itself, or of a program: a page of another place would have another Origin, also by another
// name for this machine.
bool is_of_page(const serve::Request& request) {
  const std::string* site = request.find("sec-fetch-site");
  if (site != nullptr && *site != "same-origin" && *site != "none" && request.path != "/") return false;
  const std::string* origin = request.find("origin");
  const std::string* host = request.find("host");
  return origin == nullptr ||
         (host != nullptr && (*origin == "http://" + *host || *origin == "https://" + *host));
}

bool has_cookie(const serve::Request& request, const std::string& wanted) {
  const std::string* cookies = request.find("cookie");
  std::string_view rest = cookies == nullptr ? std::string_view() : std::string_view(*cookies);
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(kCookie) && serve::is_equal_secret(one.substr(kCookie.size()), wanted)) return true;
  }
  return false;
}

bool has_token(const serve::Request& request, const std::string& token) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string* given = request.find("authorization");
  return given != nullptr && given->starts_with(kScheme) &&
         serve::is_equal_secret(std::string_view(*given).substr(kScheme.size()), token);
}

}  // namespace

// Not the token itself, which browsers would keep on the disk.
std::string cookie_of(const std::string& token) {
  const std::string text = "kiln annotate " + token;
  io::Sha256 hash;
  hash.add(text.data(), text.size());
  return hash.finish();
}

void check_access(const Annotator::State& state, const serve::Request& request) {
  const std::string& token = state.options.token;
  if (!is_of_page(request)) serve::refuse(403, "this is not for pages of other places");
  if (token.empty() && !serve::is_of_this_machine(request))
    serve::refuse(403, "this is for programs on the server's machine; others need a token");
  if (request.method != "GET" && request.method != "HEAD" && request.method != "OPTIONS")
    serve::check_json(request);
  const bool is_open = request.path == "/" || request.path == "/api/login";
  if (!token.empty() && !is_open && !has_token(request, token) && !has_cookie(request, state.cookie))
    serve::refuse(401, "this needs the token");
}

serve::Response login(const Annotator::State& state, const serve::Request& request) {
  constexpr size_t kLongest = 4096;
  const std::string given = text_in(body_of(request), "token", kLongest);
  if (!serve::is_equal_secret(given, state.options.token)) serve::refuse(401, "this is not the token");
  serve::Response response = {.body = "{}"};
  if (!state.options.token.empty())
    response.fields = {
        {"Set-Cookie", fmt::format("{}{}; Path=/; HttpOnly; SameSite=Strict", kCookie, state.cookie)}};
  return response;
}

}  // namespace kiln::annotate::routes
