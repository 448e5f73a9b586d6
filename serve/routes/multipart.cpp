#include <kiln/serve/routes/multipart.h>

#include <string>

#include <kiln/serve/routes/http_error.h>

namespace kiln::serve {
namespace {

std::string delimiter_of(std::string_view content_type) {
  constexpr std::string_view kName = "boundary=";
  constexpr size_t kLongest = 70;
  const size_t begin = content_type.find(kName);
  if (begin == content_type.npos) refuse(400, "the form has no boundary");
  std::string_view boundary = content_type.substr(begin + kName.size());
  if (boundary.starts_with('"')) {
    boundary.remove_prefix(1);
    boundary = boundary.substr(0, boundary.find('"'));
  } else {
    boundary = boundary.substr(0, boundary.find_first_of("; \t"));
  }
  if (boundary.empty() || boundary.size() > kLongest)
    refuse(400, "the form's boundary has {} characters; 1 to {} are allowed", boundary.size(), kLongest);
  return "\r\n--" + std::string(boundary);
}

}  // namespace

std::string_view file_in_form(std::string_view content_type, std::string_view body) {
  constexpr int kMostParts = 16;
  constexpr size_t kLongestHead = 4096;
  const std::string delimiter = delimiter_of(content_type);
  // The first one needs no line before it.
  const std::string_view first = std::string_view(delimiter).substr(2);
  if (!body.starts_with(first)) refuse(400, "the form does not begin with its boundary");
  body.remove_prefix(first.size());
  std::string_view found;
  for (int part = 0; part < kMostParts; ++part) {
    if (body.starts_with("--")) {
      if (part == 0) refuse(400, "the form is empty");
      return found;
    }
    if (!body.starts_with("\r\n")) refuse(400, "a boundary of the form is not followed by a line end");
    const size_t head_end = body.substr(0, kLongestHead).find("\r\n\r\n");
    if (head_end == body.npos)
      refuse(400, "the head of a form's part does not end within {} bytes", kLongestHead);
    const std::string_view head = body.substr(0, head_end);
    body.remove_prefix(head_end + 4);
    const size_t end = body.find(delimiter);
    if (end == body.npos) refuse(400, "a part of the form does not end");
    if (head.find("filename=") != head.npos) return body.substr(0, end);
    if (part == 0) found = body.substr(0, end);
    body.remove_prefix(end + delimiter.size());
  }
  refuse(400, "the form has more than {} parts", kMostParts);
}

}  // namespace kiln::serve
