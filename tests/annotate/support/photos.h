#pragma once

#include <string>
#include <vector>

#include <kiln/annotate/annotator.h>
#include <kiln/serve/http/server.h>
#include <kiln/tensor/value/value.h>

#include "support/files.h"

namespace kiln::test {

// A folder of pictures, each of one colour: a.png, b.png, ...
class Photos : public TemporaryFolder {
 public:
  explicit Photos(int count, int64_t height = 30, int64_t width = 40);
  std::string labels() const { return *this / "labels.jsonl"; }
  // The line of the labels file that names this picture; "" for none.
  std::string line_of(const std::string& picture) const;
};

// "a.png" for 0.
std::string photo_name(int i);

// A page's server on a folder, and requests to it as the page makes them.
class AnnotateServer {
 public:
  explicit AnnotateServer(const annotate::AnnotatorOptions& options);
  int port() const { return server_.port(); }
  // Ends as the program does.
  void end();

 private:
  annotate::Annotator annotator_;
  serve::Server server_;
};

struct Answer {
  int status = 0;
  Value body;
};
std::string request(const std::string& method, const std::string& path, const std::string& body = "",
                    const std::string& fields = "Content-Type: application/json\r\n");
Answer call(int port, const std::string& method, const std::string& path, const std::string& body = "");
// {"revision":0,"mark":"done","labels":["cat"],"boxes":[],"client":"one"}
std::string work(int64_t revision, const std::string& labels, const std::string& boxes = "",
                 const std::string& client = "one");

}  // namespace kiln::test
