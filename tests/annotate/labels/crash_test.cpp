#include <doctest/doctest.h>

#include <map>
#include <memory>

#include <kiln/annotate/labels/book.h>
#include <kiln/tensor/fmt.h>

#include "annotate/support/photos.h"
#include "support/disk/crash_states.h"

// What a power failure may leave of a journal and a labels file, at any moment of changing and writing.

namespace kiln {
namespace {

using annotate::Book;
using annotate::Mark;
using annotate::Place;
using test::CrashStates;
using test::Expected;
using test::Fault;
using test::Recording;
using test::Series;
using Kind = test::Change::Kind;

constexpr int kPictures = 3, kClasses = 40;

Place place_of(const std::string& photos, const std::string& folder) {
  Place place = {.folder = photos, .labels = folder + "/labels.jsonl"};
  for (int i = 0; i < kClasses; ++i) place.classes.push_back(fmt::format("c{}", i));
  return place;
}

// The change `number` gives a picture the class of that number. Every second one is followed by a writing of
// the labels file, which may fail.
void step(Book& book, int64_t number) {
  const std::string id = annotate::id_of(test::photo_name(int(number % kPictures)));
  if (number % 2 == 0) book.save();
  book.change(id, book.find(id)->revision, {.mark = Mark::done, .labels = {number}}, {"a", "b"});
}

std::string wrong_in(const Place& place, const Expected& expected) {
  try {
    std::map<std::string, int64_t> found;
    int64_t newest = 0;
    for (const annotate::Picture& picture : load(place).pictures)
      if (!picture.image.labels.empty()) {
        found[picture.image.path] = picture.image.labels[0];
        newest = std::max(newest, picture.image.labels[0]);
      }
    if (!expected.allows(newest))
      return fmt::format("the last change is {}, of {} and perhaps {}", newest,
                         fmt::join(expected.ended, ","), fmt::join(expected.unsure, ","));
    for (const int64_t number : expected.ended)
      if (found[test::photo_name(int(number % kPictures))] < number)
        return fmt::format("change {} is lost", number);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

Series series_of() {
  const auto photos = std::make_shared<test::Photos>(kPictures);
  Series series = {.name = "labels", .saves = 6, .begin = {}, .complaint = {}};
  series.begin = [=](const std::string& folder) {
    auto book = std::make_shared<std::unique_ptr<Book>>();
    return [=](int64_t number) {
      if (!*book) *book = std::make_unique<Book>(place_of(photos->path(), folder));
      step(**book, number);
    };
  };
  series.complaint = [=](const std::string& folder, const Expected& expected) {
    return wrong_in(place_of(photos->path(), folder), expected);
  };
  return series;
}

}  // namespace

TEST_CASE("annotate: whatever a power failure leaves, no acknowledged change is lost") {
  CrashStates crashes;
  const Series series = series_of();
  crashes.look(series, record(series), 40);
  crashes.report();
}

TEST_CASE("annotate: a power failure where calls of the system failed before") {
  CrashStates crashes;
  int64_t faults = 0;
  const Series series = series_of();
  for (const int64_t failing : {1, 3, 4})
    faults += each_fault(series, failing, [&](const Fault& fault, const Recording& recording) {
      CHECK(wrong_end(fault, failing, recording) == "");
      crashes.look(series, recording, 0, failing);
    });
  MESSAGE(faults, " calls that fail");
  crashes.report();
}

TEST_CASE("annotate: without syncing it would be lost") {
  const Series series = series_of();
  Recording recording = record(series);
  std::erase_if(recording.changes, [](const test::Change& change) { return change.kind == Kind::sync_file; });
  CrashStates crashes;
  crashes.look(series, recording, 0);
  CHECK(crashes.bad > 0);
}

}  // namespace kiln
