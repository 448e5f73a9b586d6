#include <kiln/annotate/annotator.h>

#include <random>

#include <kiln/annotate/routes/state.h>
#include <kiln/data/annotations/coco.h>
#include <kiln/data/annotations/manifest.h>
#include <kiln/data/annotations/voc.h>
#include <kiln/data/annotations/yolo.h>
#include <kiln/serve/routes/table.h>
#include <kiln/tensor/settings.h>

namespace kiln::annotate {
namespace {

Place place_of(const AnnotatorOptions& options) {
  return {options.folder, options.labels, options.classes, options.data, options.from_folders, options.note};
}

std::string random_name() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

}  // namespace

Annotator::State::State(const AnnotatorOptions& wanted)
    : options(wanted),
      run(random_name()),
      cookie(routes::cookie_of(wanted.token)),
      labels(labels_path(place_of(wanted))),
      lock(labels),
      book(place_of(wanted)),
      gallery(wanted.folder),
      painters(wanted.threads),
      writers(1),
      keeper([this](const std::stop_token& stop) { keep(stop); }) {}

// Those who change end before the labels file is written for the last time.
Annotator::State::~State() {
  keeper.request_stop();
  keeper.join();
  news.end();
  writers.stop();
  painters.stop();
  try {
    book.save();
  } catch (const Error& error) {
    if (options.note) options.note(fmt::format("{}; the journal beside it has all labels", error.what()));
  }
}

// Writes the labels file soon after a change, but not the most of the time.
void Annotator::State::keep(const std::stop_token& stop) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLook(100);
  constexpr double kPause = 1, kShare = 20;  // seconds; pauses are so many times as long as the writing
  Clock::time_point next = Clock::now();
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(kLook);
    news.look();
    if (Clock::now() < next) continue;
    double seconds = 0;
    try {
      seconds = book.save();
      if (is_trouble.exchange(false)) news.happened();
    } catch (const Error& error) {
      if (is_trouble.exchange(true)) continue;
      if (options.note) options.note(error.what());
      news.happened();
    }
    next = Clock::now() + std::chrono::milliseconds(int64_t(1000 * std::max(kPause, kShare * seconds)));
  }
}

Annotator::Annotator(const AnnotatorOptions& options) : state_(std::make_unique<State>(options)) {}
Annotator::~Annotator() = default;

void Annotator::handle(serve::Request request, const serve::Reply& reply) {
  try {
    routes::route(*state_, std::move(request), reply);
  } catch (...) {
    reply.send(serve::failure_response());
  }
}

void Annotator::close() { state_->news.end(); }

int64_t Annotator::pictures() const { return state_->book.tally().pictures; }
int64_t Annotator::done() const { return state_->book.tally().done; }
const std::string& Annotator::labels() const { return state_->labels; }

int64_t export_labels(const AnnotatorOptions& options, const std::string& kind, const std::string& to) {
  const Place place = place_of(options);
  const Loaded loaded = load(place);
  data::Annotations set = annotations_of(place, loaded.pictures, loaded.classes.names());
  const Gallery gallery(options.folder);
  for (data::AnnotatedImage& image : set.images) {
    if (image.width > 0) continue;
    try {
      const image::Size size = gallery.size(image.path);
      image.width = size.width;
      image.height = size.height;
    } catch (const Unreadable& error) {
      fail("annotate: '{}' has no size: {}", image.path, error.what());
    }
  }
  if (kind == "coco")
    data::write_coco(to, set);
  else if (kind == "yolo")
    data::write_yolo(to, set);
  else if (kind == "voc")
    data::write_voc(to, set);
  else if (kind == "csv")
    data::write_manifest(to, set);
  else
    fail("annotate: '{}' is no kind of export; give coco, yolo, voc or csv", kind);
  return int64_t(set.images.size());
}

}  // namespace kiln::annotate
