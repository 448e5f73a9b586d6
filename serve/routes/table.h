#pragma once

// Internal: routes as a table.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <kiln/serve/http/message.h>
#include <kiln/serve/routes/http_error.h>

namespace kiln::serve {

using PathParts = std::vector<std::string_view>;

// "/v2/models/m" as v2, models, m.
PathParts parts_of(std::string_view path);

// "*" in the pattern stands for any part that is not empty.
bool matches(const PathParts& parts, const char* pattern);

// 405, or 204 to OPTIONS.
Response not_allowed(const std::string& allowed, bool is_question);

// To be called while an exception is caught: what a client is told of it, which is the text of an HttpError
// and of no other.
Response failure_response();

// A Call has `request`, `reply`, and the `parts` of the request's path.
template <class Call>
struct Route {
  const char* method;
  const char* pattern;
  void (*answer)(Call& call);
};

// Answers by the first route that fits, a HEAD as a GET. Throws HttpError 404 when no pattern does.
template <class Call>
void follow(std::span<const Route<Call>> table, Call& call) {
  const std::string method = call.request.method == "HEAD" ? "GET" : call.request.method;
  std::string allowed;
  for (const Route<Call>& route : table) {
    if (!matches(call.parts, route.pattern)) continue;
    if (method == route.method) return route.answer(call);
    allowed += std::string(allowed.empty() ? "" : ", ") +
               (route.method == std::string("GET") ? "GET, HEAD" : route.method);
  }
  if (allowed.empty()) refuse(404, "there is nothing here; the documentation has the routes");
  call.reply.send(not_allowed(allowed + ", OPTIONS", method == "OPTIONS"));
}

}  // namespace kiln::serve
