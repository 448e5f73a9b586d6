#include "annotate/support/photos.h"

#include <kiln/annotate/labels/picture.h>
#include <kiln/autograd/ops.h>
#include <kiln/image/encode.h>
#include <kiln/io/bytes/json.h>
#include <kiln/tensor/fmt.h>

#include "support/client.h"

namespace kiln::test {

std::string photo_name(int i) { return std::string(1, char('a' + i)) + ".png"; }

Photos::Photos(int count, int64_t height, int64_t width) {
  for (int i = 0; i < count; ++i)
    write(photo_name(i), image::encode_png(full({3, height, width}, 10 * i, {.dtype = uint8})));
}

std::string Photos::line_of(const std::string& picture) const {
  const std::string text = read_file(labels());
  const size_t at = text.find("{\"path\":\"" + picture + "\"");
  return at == text.npos ? "" : text.substr(at, text.find('\n', at) - at);
}

AnnotateServer::AnnotateServer(const annotate::AnnotatorOptions& options)
    : annotator_(options), server_({}, [this](serve::Request request, const serve::Reply& reply) {
        annotator_.handle(std::move(request), reply);
      }) {}

void AnnotateServer::end() {
  annotator_.close();
  server_.stop();
}

std::string request(const std::string& method, const std::string& path, const std::string& body,
                    const std::string& fields) {
  return fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}", method, path,
                     fields, body.size(), body);
}

Answer call(int port, const std::string& method, const std::string& path, const std::string& body) {
  const std::string answer = ask(port, request(method, path, body));
  constexpr size_t kDepth = 10;
  return {status_of(answer), io::parse_json(body_of(answer), "the answer", kDepth)};
}

std::string work(int64_t revision, const std::string& labels, const std::string& boxes,
                 const std::string& client) {
  return fmt::format(R"({{"revision":{},"mark":"{}","labels":[{}],"boxes":[{}],"client":"{}"}})", revision,
                     labels.empty() && boxes.empty() ? "todo" : "done", labels, boxes, client);
}

}  // namespace kiln::test
