#include <kiln/serve/routes/authority.h>

#include <sys/stat.h>

#include <algorithm>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/file_system.h>
#include <kiln/serve/routes/http_error.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve {
namespace {

bool is_local_name(std::string_view host) {
  const size_t colon = host.ends_with(']') ? host.npos : host.rfind(':');
  const std::string_view name = host.substr(0, colon);
  return name == "localhost" || name == "127.0.0.1" || name == "[::1]";
}

}  // namespace

bool is_of_this_machine(const Request& request) {
  if (!request.is_loopback) return false;
  for (const char* passed_on : {"forwarded", "x-forwarded-for", "x-real-ip", "via"})
    if (request.find(passed_on) != nullptr) return false;
  const std::string* host = request.find("host");
  if (host == nullptr || !is_local_name(*host)) return false;
  const std::string* origin = request.find("origin");
  return origin == nullptr || *origin == "http://" + *host;
}

bool is_equal_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= unsigned(uint8_t(a[i]) ^ uint8_t(b.empty() ? 0 : b[i % b.size()]));
  return difference == 0;
}

void check_json(const Request& request) {
  const std::string* type = request.find("content-type");
  if (type == nullptr || !type->starts_with("application/json"))
    refuse(415, "send this as Content-Type: application/json");
}

void check_authority(const Request& request, const std::string& token) {
  check_json(request);
  if (request.peer == "unix") return;
  if (token.empty()) {
    if (!is_of_this_machine(request))
      refuse(403, "this is for programs on the server's machine; others need a token");
    return;
  }
  constexpr std::string_view kScheme = "Bearer ";
  const std::string* given = request.find("authorization");
  if (given == nullptr || !given->starts_with(kScheme) ||
      !is_equal_secret(std::string_view(*given).substr(kScheme.size()), token))
    refuse(401, "this needs the token: Authorization: Bearer ...");
}

std::string read_token(const std::string& path) {
  constexpr size_t kShortest = 16, kLongest = 4096;
  struct stat info;
  if (io::file_system().stat(path, info) == 0 && (info.st_mode & S_IRWXO) != 0)
    fail("token file '{}': others may read it; chmod 600", path);
  const io::InputFile file(path);
  std::string token = file.read(0, std::min<int64_t>(file.size(), kLongest));
  token.resize(token.find_last_not_of(" \t\r\n") + 1);
  if (token.size() < kShortest)
    fail("token file '{}': {} characters, at least {} are needed", path, token.size(), kShortest);
  if (std::ranges::any_of(token, [](char c) { return c <= ' ' || c > '~'; }))
    fail("token file '{}': it has characters that a header cannot carry", path);
  return token;
}

}  // namespace kiln::serve
