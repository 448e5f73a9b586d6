#include <kiln/serve/routes/table.h>

#include <algorithm>
#include <new>

namespace kiln::serve {

PathParts parts_of(std::string_view path) {
  PathParts parts;
  while (!path.empty()) {
    path.remove_prefix(1);
    parts.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(parts.back().size());
  }
  return parts;
}

bool matches(const PathParts& parts, const char* pattern) {
  const PathParts wanted = parts_of(pattern);
  return std::ranges::equal(parts, wanted, [](std::string_view part, std::string_view want) {
    return want == "*" ? !part.empty() : part == want;
  });
}

Response not_allowed(const std::string& allowed, bool is_question) {
  Response response =
      is_question ? Response{.status = 204} : error_response(405, "this is there by " + allowed);
  response.fields = {{"Allow", allowed}};
  return response;
}

Response failure_response() {
  try {
    throw;
  } catch (const HttpError& error) {
    return response_of(error);
  } catch (const std::bad_alloc&) {
    return error_response(503, "the server has no memory for this request");
  } catch (const std::exception&) {
    return error_response(500, "the server failed");
  }
}

}  // namespace kiln::serve
