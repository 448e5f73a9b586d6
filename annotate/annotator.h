#pragma once

#include <memory>
#include <string>
#include <vector>

#include <kiln/serve/http/message.h>

namespace kiln::annotate {

struct AnnotatorOptions {
  std::string folder;                     // of the pictures, with all folders in it
  std::string labels = {};                // the labels file, .jsonl; "": labels.jsonl in the folder
  std::vector<std::string> classes = {};  // that there should be, beside those that are known
  std::string data = {};      // annotations to begin with, of any kind that project::open_data reads
  bool from_folders = false;  // begins with the names of class folders
  bool draws_boxes = false;   // the page begins with boxes, not with classes of whole pictures
  std::string token = {};     // "": only this machine may
  int threads = 2;            // that decode pictures
  Function<void(const std::string&)> note = {};  // told what is left out or goes wrong, for people
};

// People label the pictures of a folder on a page, several at once. Each change is on the disk before it is
// answered: in a journal beside the labels file, a manifest (data::read_manifest), which is written anew soon
// after (docs/annotate.md).
//
//     #include <kiln/annotate/annotator.h>
//     #include <kiln/serve/http/server.h>
//
//     annotate::Annotator annotator({.folder = "photos", .classes = {"cat", "dog"}});
//     serve::Server server({.port = 8080}, [&](serve::Request request, serve::Reply reply) {
//       annotator.handle(std::move(request), reply);
//     });
//
class Annotator {
 public:
  // Throws when another process is at the labels file, and for files that are damaged.
  explicit Annotator(const AnnotatorOptions& options);
  // close()
  ~Annotator();
  Annotator(const Annotator&) = delete;
  Annotator& operator=(const Annotator&) = delete;

  // Answers a request; any thread.
  void handle(serve::Request request, const serve::Reply& reply);
  // Pages that wait for news are told that the program ends; the labels file says all afterwards. To be
  // called before the server stops.
  void close();

  int64_t pictures() const;
  int64_t done() const;
  const std::string& labels() const;  // the path of the labels file

  struct State;

 private:
  std::unique_ptr<State> state_;
};

// Writes what the labels file and its journal say, also while somebody works on it: `kind` is coco, yolo, voc
// or csv, `to` a folder for yolo and voc, a file for the others. Returns the number of pictures. Throws for
// another kind.
int64_t export_labels(const AnnotatorOptions& options, const std::string& kind, const std::string& to);

}  // namespace kiln::annotate
