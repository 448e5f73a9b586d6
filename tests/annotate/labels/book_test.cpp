#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <thread>

#include <kiln/annotate/labels/book.h>
#include <kiln/annotate/labels/find_pictures.h>
#include <kiln/annotate/labels/lock.h>
#include <kiln/annotate/labels/turns.h>
#include <kiln/data/annotations/coco.h>
#include <kiln/data/annotations/manifest.h>
#include <kiln/data/annotations/yolo.h>

#include "annotate/support/photos.h"

namespace kiln {
namespace {

using annotate::Author;
using annotate::Book;
using annotate::id_of;
using annotate::LabelsLock;
using annotate::Mark;
using annotate::Outcome;
using annotate::Place;
using annotate::Work;
using test::contains;
using test::error_of;
using test::Photos;

const Author kAnna = {"anna", "A"}, kBob = {"bob", "B"};
const std::string kA = id_of("a.png"), kB = id_of("b.png"), kC = id_of("c.png");

Place place_of(const Photos& photos) {
  return {.folder = photos.path(), .labels = "", .classes = {"cat", "dog"}};
}
Work labelled(int64_t label) { return {.mark = Mark::done, .labels = {label}}; }
Work none(Mark mark) { return {.mark = mark}; }
Work boxed() {
  return {.mark = Mark::done,
          .labels = {},
          .boxes = {{.left = 1, .top = 2, .width = 3, .height = 4, .label = 1}}};
}
Outcome::Kind change(Book& book, const std::string& id, int64_t revision, const Work& work,
                     const Author& author = kAnna) {
  return book.change(id, revision, work, author)->kind;
}
std::string labels_of(const Photos& photos) { return test::read_file(photos.labels()); }

constexpr Outcome::Kind kMade = Outcome::Kind::made, kConflict = Outcome::Kind::conflict;

}  // namespace

TEST_CASE("annotate: pictures are found and sorted as people do") {
  const test::TemporaryFolder outside, folder;
  outside.write("secret.png", "x");
  for (const char* name :
       {"10.png", "9.jpg", "a/2.PNG", "a/010.gif", "a/1.bmp", ".hidden.png", ".git/x.png", "notes.txt"})
    folder.write(name, "x");
  namespace fs = std::filesystem;
  fs::create_symlink(outside / "secret.png", folder / "link.png");
  fs::create_directory_symlink(outside.path(), folder / "out");
  fs::create_directory_symlink("..", folder / "a/up");
  fs::create_symlink("9.jpg", folder / "same.jpg");
  const annotate::Found found = annotate::find_pictures(folder.path());
  CHECK(found.paths ==
        std::vector<std::string>{"9.jpg", "10.png", "a/1.bmp", "a/2.PNG", "a/010.gif", "same.jpg"});
  CHECK(found.outside == 2);
  CHECK(annotate::real_path_in(folder.path(), "link.png") == "");
  CHECK(annotate::real_path_in(folder.path(), "../x.png") == "");
  CHECK(annotate::comes_before("x2", "x10"));
  CHECK(annotate::comes_before("x02", "x2"));
  CHECK(annotate::comes_before("99999999999999999998", "99999999999999999999"));
  CHECK(!annotate::comes_before("x", "x"));
}

TEST_CASE("annotate: a change makes a revision, and one on an older revision is a conflict") {
  const Photos photos(3);
  Book book(place_of(photos));
  CHECK(change(book, kA, 0, labelled(0)) == kMade);
  CHECK(book.find(kA)->revision == 1);
  CHECK(change(book, kB, 0, labelled(1), kBob) == kMade);
  CHECK(change(book, kA, 0, labelled(1), kBob) == kConflict);
  CHECK(book.find(kA)->image.labels == std::vector<int64_t>{0});
  CHECK(change(book, kA, 0, labelled(0), kBob) ==
        kMade);  // the same: an answer that was lost, and asked for again
  CHECK(book.find(kA)->who == "anna");
  CHECK(change(book, kA, 1, labelled(1), kBob) == kMade);
  CHECK(book.changed_after(2).size() == 1);
  CHECK(!book.change("0123456789abcdef", 0, labelled(0), kAnna));
  CHECK(book.tally().done == 2);
  CHECK(book.tally().left() == 1);
}

TEST_CASE("annotate: undo and redo of one's own changes, not over those of others") {
  const Photos photos(3);
  Book book(place_of(photos));
  CHECK(book.undo(kAnna).kind == Outcome::Kind::nothing);
  change(book, kA, 0, labelled(0));
  change(book, kA, 1, labelled(1));
  change(book, kB, 0, boxed());
  change(book, kC, 0, labelled(0), kBob);
  CHECK(book.undo(kAnna).picture.id == kB);
  CHECK(book.find(kB)->work() == Work());
  CHECK(book.undo(kAnna).kind == kMade);
  CHECK(book.find(kA)->work() == labelled(0));
  CHECK(book.undo(kAnna).kind == kMade);
  CHECK(book.find(kA)->work() == Work());
  CHECK(book.undo(kAnna).kind == Outcome::Kind::nothing);
  CHECK(book.find(kC)->work() == labelled(0));
  for (int i = 0; i < 3; ++i) CHECK(book.redo(kAnna).kind == kMade);
  CHECK(book.redo(kAnna).kind == Outcome::Kind::nothing);
  CHECK(book.find(kA)->work() == labelled(1));
  CHECK(book.find(kB)->work() == boxed());

  change(book, kB, book.find(kB)->revision, labelled(0), kBob);
  CHECK(book.undo(kAnna).kind == kConflict);
  CHECK(book.find(kB)->work() == labelled(0));
  CHECK(book.undo(kAnna).picture.id == kA);  // the one before can still be
  change(book, kA, book.find(kA)->revision, labelled(1));
  CHECK(book.redo(kAnna).kind == Outcome::Kind::nothing);  // there is another future now
}

TEST_CASE("annotate: the labels file has what is done, and a restart finds all the rest") {
  const Photos photos(5);
  const std::string d = id_of("d.png"), e = id_of("e.png");
  {
    Book book(place_of(photos));
    CHECK(labels_of(photos) == "{\"classes\":[\"cat\",\"dog\"]}\n");
    change(book, kA, 0, labelled(1));
    change(book, kB, 0, boxed());
    change(book, kC, 0, none(Mark::skipped));
    change(book, d, 0, none(Mark::done));
    CHECK(book.add_class("a \"bird\"", kAnna));
    CHECK(!book.add_class("cat", kAnna));
    book.save();
    CHECK(photos.line_of("a.png") == R"({"path":"a.png","label":"dog"})");
    CHECK(photos.line_of("b.png") == R"({"path":"b.png","boxes":[{"box":[1,2,3,4],"label":"dog"}]})");
    CHECK(photos.line_of("c.png") == "");
    CHECK(photos.line_of("d.png") == R"({"path":"d.png"})");
    change(book, e, 0, none(Mark::bad));  // after the last writing
    CHECK(book.add_class("fish", kAnna));
  }
  for (int times = 0; times < 3; ++times) {
    Book book({.folder = photos.path(), .labels = ""});
    CHECK(book.classes() == std::vector<std::string>{"cat", "dog", "a \"bird\"", "fish"});
    CHECK(book.find(kA)->work() == labelled(1));
    CHECK(book.find(kB)->work() == boxed());
    CHECK(book.find(kC)->mark == Mark::skipped);
    CHECK(book.find(d)->work() == none(Mark::done));
    CHECK(book.find(e)->mark == Mark::bad);
    CHECK(book.find(kA)->who == "anna");
    CHECK(book.find(kA)->revision == 1);
    CHECK(book.number() == 7);
  }
  std::filesystem::remove(photos.labels());  // the journal alone has all of it
  Book book({.folder = photos.path(), .labels = ""});
  CHECK(book.find(kA)->image.labels.size() == 1);
  CHECK(book.classes()[size_t(book.find(kA)->image.labels[0])] == "dog");
  CHECK(book.find(d)->mark == Mark::done);
  CHECK(book.find(e)->mark == Mark::bad);
}

TEST_CASE("annotate: a labels file that was edited counts, for what it has, more than the journal") {
  const Photos photos(3);
  {
    Book book(place_of(photos));
    change(book, kA, 0, labelled(0));
    change(book, kB, 0, labelled(0));
    change(book, kC, 0, none(Mark::skipped));
    book.save();
  }
  data::Annotations set = data::read_manifest(photos.labels());
  CHECK(set.images.size() == 2);
  set.images[0].labels = {1};
  set.images[0].split = "train";
  set.images[1] = {.path = "c.png", .labels = {1}};
  data::write_manifest(photos.labels(), set);
  Book book(place_of(photos));
  CHECK(book.find(kA)->work() == labelled(1));
  CHECK(book.find(kB)->mark == Mark::todo);
  CHECK(book.find(kC)->work() == labelled(1));
  change(book, kA, book.find(kA)->revision, Work());
  book.save();
  CHECK(photos.line_of("a.png") == R"({"path":"a.png","split":"train"})");  // what else was known stays
}

TEST_CASE("annotate: a journal that ends within a line, or within a letter, is gone on with") {
  const Photos photos(1);
  photos.write("\u00fc.png", "x");
  {
    Book book(place_of(photos));
    change(book, kA, 0, labelled(0));
    change(book, id_of("\u00fc.png"), 0, labelled(0));
  }
  const std::string journal = photos.labels() + ".journal", text = test::read_file(journal);
  const size_t letter = text.rfind("\u00fc") + 1;
  for (const size_t cut : {letter, letter + 1, text.size() - 1}) {
    std::filesystem::remove(photos.labels());
    test::write_file(journal, text.substr(0, cut));
    Book book(place_of(photos));
    CHECK(book.find(kA)->work() == labelled(0));
    CHECK(book.find(id_of("\u00fc.png"))->mark == Mark::todo);
    CHECK(change(book, id_of("\u00fc.png"), 0, labelled(1)) == kMade);
    CHECK(Book(place_of(photos)).find(id_of("\u00fc.png"))->work() == labelled(1));
  }
}

TEST_CASE("annotate: it begins with class folders, or other annotations, once") {
  const Photos photos(3);
  for (const char* name : {"cat/x.png", "dog/deep/y.png"}) photos.write(name, "x");
  {
    Book book({.folder = photos.path(), .labels = "", .classes = {"bird"}, .data = "", .from_folders = true});
    CHECK(book.classes() == std::vector<std::string>{"cat", "dog", "bird"});
    CHECK(book.tally().done == 2);
    change(book, id_of("cat/x.png"), 0, Work());
  }
  std::vector<std::string> notes;
  const auto note = [&](const std::string& text) { notes.push_back(text); };
  Book again(
      {.folder = photos.path(), .labels = "", .classes = {}, .data = "", .from_folders = true, .note = note});
  CHECK(again.find(id_of("cat/x.png"))->mark == Mark::todo);
  REQUIRE(notes.size() == 1);
  CHECK(contains(notes[0], "--from-folders"));

  const test::TemporaryFolder place;
  data::write_coco(place / "coco.json",
                   {.folder = photos.path(),
                    .classes = {"x", "y"},
                    .images = {{.path = "a.png",
                                .width = 40,
                                .height = 30,
                                .labels = {},
                                .boxes = {{.left = 1, .top = 1, .width = 5, .height = 6, .label = 1}}}}});
  std::filesystem::rename(place / "coco.json", photos / "coco.json");
  Book other({.folder = photos.path(),
              .labels = place / "other.jsonl",
              .classes = {},
              .data = photos / "coco.json"});
  CHECK(other.find(kA)->image.boxes.size() == 1);
  CHECK(other.classes() == std::vector<std::string>{"x", "y"});
  const data::Annotations read = data::read_manifest(place / "other.jsonl", {.allow_outside = true});
  REQUIRE(read.images.size() == 1);
  CHECK(read.path_of(read.images[0]) == photos / "a.png");
}

TEST_CASE("annotate: what is done is exported, also while somebody works on it") {
  const Photos photos(3);
  Book book(place_of(photos));
  const annotate::AnnotatorOptions options = {.folder = photos.path()};
  change(book, kA, 0, boxed());
  change(book, kB, 0, none(Mark::skipped));
  const test::TemporaryFolder place;
  CHECK(annotate::export_labels(options, "coco", photos / "coco.json") == 1);
  const data::Annotations coco = data::read_coco(photos / "coco.json");
  REQUIRE(coco.images.size() == 1);
  CHECK(coco.images[0].boxes == boxed().boxes);
  CHECK(coco.images[0].width == 40);  // which nobody had asked for yet
  CHECK(annotate::export_labels(options, "yolo", place / "yolo") == 1);
  const data::Annotations yolo = data::read_yolo(place / "yolo/data.yaml", {.allow_outside = true});
  CHECK(yolo.classes == book.classes());
  CHECK(yolo.images.size() == 1);
  CHECK(annotate::export_labels(options, "voc", place / "voc") == 1);
  CHECK(contains(test::read_file(place / "voc/Annotations/a.xml"), "<name>dog</name>"));
  CHECK(annotate::export_labels(options, "csv", place / "set.csv") == 1);
  CHECK(contains(test::read_file(place / "set.csv"), photos / "a.png"));
  CHECK(contains(error_of([&] { annotate::export_labels(options, "tfrecord", place / "x"); }),
                 "'tfrecord' is no kind of export; give coco, yolo, voc or csv"));
}

TEST_CASE("annotate: a damaged journal, another process, and odd places are refused") {
  const Photos photos(1);
  {
    Book book(place_of(photos));
    change(book, kA, 0, labelled(0));
    change(book, kA, 1, labelled(1));
  }
  const std::string journal = photos.labels() + ".journal";
  std::string text = test::read_file(journal);
  text[text.find("\"n\":1") + 1] = '#';
  test::write_file(journal, text);
  const std::string error = error_of([&] { Book(place_of(photos)); });
  CHECK(contains(error, "labels.jsonl.journal', line 2: "));
  CHECK(test::read_file(journal) == text);

  const LabelsLock lock(photos.labels());
  CHECK(contains(error_of([&] { LabelsLock(photos.labels()); }),
                 fmt::format("process {} is at '{}'", ::getpid(), photos.labels())));
  CHECK(contains(error_of([&] { Book({.folder = photos / "none", .labels = ""}); }), "is no folder"));
  CHECK(contains(error_of([&] { Book({.folder = photos.path(), .labels = "x.csv"}); }),
                 "should end in .jsonl"));
}

TEST_CASE("annotate: a long journal is shortened to the last change of each picture") {
  const Photos photos(3);
  const std::string journal = photos.labels() + ".journal";
  {
    Book book(place_of(photos));
    for (int i = 0; i < 100; ++i) {
      const std::string& id = i % 3 == 0 ? kA : kB;
      change(book, id, book.find(id)->revision, labelled(i % 2));
    }
  }
  CHECK(std::filesystem::file_size(journal) > 5000);
  Place place = place_of(photos);
  place.long_journal = 5000;
  Book book(place);
  CHECK(std::filesystem::file_size(journal) < 500);
  CHECK(book.find(kA)->work() == labelled(1));
  CHECK(book.find(kB)->work() == labelled(0));
  change(book, kC, 0, labelled(0));
  CHECK(Book(place_of(photos)).find(kC)->work() == labelled(0));
}

TEST_CASE("annotate: several people get different pictures") {
  const Photos photos(4);
  Book book(place_of(photos));
  annotate::Turns turns(std::chrono::milliseconds(2000));
  const auto next = [&](const std::string& client, const std::string& behind) {
    const auto taken = [&](const std::string& id) { return turns.is_taken(id, client); };
    const std::string id = book.next_todo(behind, taken).value_or("");
    turns.is_at(client, client, id);
    return id;
  };
  CHECK(next("A", "") == kA);
  CHECK(next("B", "") == kB);
  CHECK(next("A", kA) == kC);
  CHECK(next("C", "") == kA);
  CHECK(next("D", kB) == id_of("d.png"));
  CHECK(next("E", "") == kA);  // all are taken: one of them, rather than none
  CHECK(turns.others("A").size() == 4);
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));
  CHECK(turns.others("A").empty());
  for (const auto& [id, name] : {std::pair(kA, 0), std::pair(kB, 1), std::pair(kC, 0)})
    change(book, id, 0, labelled(name));
  change(book, id_of("d.png"), 0, none(Mark::skipped));
  CHECK(!book.next_todo("", [](const std::string&) { return false; }));
}

}  // namespace kiln
