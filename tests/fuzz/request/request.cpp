#include "fuzz/request/request.h"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <vector>

#include <kiln/serve/http/reader.h>
#include <kiln/serve/routes/http_error.h>
#include <kiln/serve/routes/inference.h>
#include <kiln/serve/routes/multipart.h>
#include <kiln/tensor/fmt.h>

namespace kiln::fuzz {
namespace {

using serve::Request;
using serve::RequestReader;

struct Read {
  std::vector<Request> requests;
  std::vector<std::string_view> texts;  // what they were read from
  serve::Refusal refusal;
};

constexpr serve::Limits kLimits = {
    .head_bytes = 2048, .target_bytes = 256, .fields = 20, .body_bytes = 4096, .chunks = 50};

// Pieces of `size` bytes; 0: all at once.
Read read(std::string_view bytes, size_t size) {
  Read all;
  RequestReader reader(kLimits);
  const char* begin = bytes.data();
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, size == 0 ? bytes.npos : size);
    bytes.remove_prefix(piece.size());
    while (!piece.empty()) {
      piece.remove_prefix(reader.feed(piece));
      if (reader.state() == RequestReader::State::complete) {
        all.requests.push_back(reader.take());
        all.texts.emplace_back(begin, size_t(piece.data() - begin));
        begin = piece.data();
      }
      if (reader.state() == RequestReader::State::refused) {
        all.refusal = reader.refusal();
        return all;
      }
    }
  }
  return all;
}

bool is_same(const Request& a, const Request& b) {
  return a.method == b.method && a.path == b.path && a.query == b.query && a.fields == b.fields &&
         a.body == b.body && a.keep_alive == b.keep_alive;
}

// Beast, which takes more, reads what the reader took as the same request.
std::string problem_beside_beast(const Request& request, std::string_view text) {
  namespace http = boost::beast::http;
  http::request_parser<http::string_body> parser;
  parser.body_limit(uint64_t(kLimits.body_bytes));
  parser.eager(true);
  boost::system::error_code error;
  while (!error && !text.empty() && !parser.is_done())
    text.remove_prefix(parser.put(boost::asio::buffer(text), error));
  if (error) return fmt::format("Beast says: {}", error.message());
  if (!parser.is_done() || !text.empty()) return "Beast finds another end";
  if (parser.get().body() != request.body) return "Beast reads another body";
  const auto target = parser.get().target();
  if (parser.get().method_string() != request.method) return "Beast reads another method";
  return target.ends_with(request.query) ? "" : "Beast reads another target";
}

std::string problem_of_text(const std::string& text) {
  constexpr size_t kLongest = 500;
  if (text.size() > kLongest) return fmt::format("an error of {} bytes", text.size());
  return "";
}

std::string problem_of(const Request& request) {
  serve::ModelInfo info;
  info.input = {2, 2};
  try {
    request.parameter("top");
    if (const std::string* type = request.find("content-type")) serve::file_in_form(*type, request.body);
  } catch (const serve::HttpError& error) {
    if (std::string problem = problem_of_text(error.what()); !problem.empty()) return problem;
  }
  try {
    const serve::Inference inference = serve::read_inference(request, info, 4);
    if (inference.input.numel() != inference.input.size(0) * 4) return "an input of another shape";
  } catch (const serve::HttpError& error) {
    return problem_of_text(error.what());
  }
  return "";
}

}  // namespace

std::string problem_of_requests(std::string_view bytes) {
  try {
    const Read whole = read(bytes, 0);
    for (const size_t size : {size_t(1), size_t(7), bytes.size() / 3 + 1}) {
      const Read pieces = read(bytes, size);
      if (!std::ranges::equal(whole.requests, pieces.requests, is_same))
        return fmt::format("{} requests at once, {} or others by pieces of {}", whole.requests.size(),
                           pieces.requests.size(), size);
      if (whole.refusal.status != pieces.refusal.status)
        return fmt::format("{} at once, {} by pieces of {}", whole.refusal.status, pieces.refusal.status,
                           size);
    }
    for (size_t i = 0; i < whole.requests.size(); ++i) {
      const Request& request = whole.requests[i];
      if (std::string problem = problem_of(request); !problem.empty()) return problem;
      if (std::string problem = problem_beside_beast(request, whole.texts[i]); !problem.empty())
        return problem;
    }
    return problem_of_text(whole.refusal.text);
  } catch (const std::exception& error) {
    return fmt::format("an exception other than HttpError: {}", error.what());
  }
}

}  // namespace kiln::fuzz
