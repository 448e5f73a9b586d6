#pragma once

// Internal: what the routes share.

#include <atomic>
#include <list>
#include <thread>

#include <kiln/annotate/annotator.h>
#include <kiln/annotate/labels/book.h>
#include <kiln/annotate/labels/lock.h>
#include <kiln/annotate/labels/turns.h>
#include <kiln/annotate/pictures/gallery.h>
#include <kiln/annotate/routes/news.h>
#include <kiln/serve/routes/workers.h>

namespace kiln::annotate {

struct Annotator::State {
  explicit State(const AnnotatorOptions& wanted);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  AnnotatorOptions options;
  std::string run;     // another one each time the program starts
  std::string cookie;  // what a browser that has said the token keeps
  std::string labels;
  LabelsLock lock;
  Book book;
  Gallery gallery;
  Turns turns;
  News news;
  serve::Workers painters, writers;
  std::atomic<bool> is_trouble = false;  // the labels file cannot be written
  std::jthread keeper;                   // writes it
  void keep(const std::stop_token& stop);
};

// One file of routes each. A route throws HttpError, or answers, later too.
namespace routes {

void route(Annotator::State& state, serve::Request request, const serve::Reply& reply);

// access.cpp: throws HttpError for who may not.
void check_access(const Annotator::State& state, const serve::Request& request);
serve::Response login(const Annotator::State& state, const serve::Request& request);
std::string cookie_of(const std::string& token);

// tell.cpp
serve::Response about(const Annotator::State& state);
serve::Response pictures(const Annotator::State& state);
serve::Response labels_file(const Annotator::State& state);
serve::Response labels_of(Annotator::State& state, const std::string& id);
serve::Response class_list(const Annotator::State& state);
std::string summary(const Picture& picture, const std::vector<std::string>& classes);
std::string whole(const Picture& picture, const std::vector<std::string>& classes);
std::string news_text(Annotator::State& state, int64_t since, const std::string& client);

// show.cpp: by a worker
serve::Response show(Annotator::State& state, const std::string& id, const serve::Request& request);

// change.cpp: by a worker
serve::Response change(Annotator::State& state, const std::string& id, const serve::Request& request);
serve::Response step(Annotator::State& state, const serve::Request& request, bool is_undo);
serve::Response add_class(Annotator::State& state, const serve::Request& request);
serve::Response next(Annotator::State& state, const serve::Request& request);

}  // namespace routes
}  // namespace kiln::annotate
