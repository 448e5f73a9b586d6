#include <doctest/doctest.h>

#include <fcntl.h>

#include <kiln/annotate/labels/journal.h>

#include "support/disk/recorded_files.h"
#include "support/files.h"

namespace kiln {
namespace {

using annotate::Change;
using annotate::Journal;
using annotate::Journalled;
using annotate::line_of;
using annotate::Mark;
using test::error_of;

const std::vector<std::string> kClasses = {"cat", "dog"};

Change change_of(int64_t number, const std::string& path) {
  Change change = {.number = number, .when = "2026-01-02T03:04:05Z", .who = "anna \"a\""};
  change.path = path;
  change.work = {Mark::done, {1}, {{.left = 1.5, .top = 2, .width = 3, .height = 4, .label = 0}}};
  return change;
}

Journalled parse(const std::string& text) { return annotate::parse_journal(text, {kClasses, "test"}, "J"); }

}  // namespace

TEST_CASE("annotate: what the journal is told comes back") {
  const std::string text = line_of(change_of(1, "a/b.jpg"), kClasses) +
                           line_of({.number = 2, .when = "w", .who = "", .added = "bird"}, kClasses) +
                           line_of({.saved = 2}, kClasses) + line_of(change_of(7, "c.jpg"), kClasses);
  const Journalled journal = parse(text);
  REQUIRE(journal.changes.size() == 4);
  CHECK(journal.bytes == text.size());
  CHECK(journal.changes[0].work == change_of(1, "").work);
  CHECK(journal.changes[0].who == "anna \"a\"");
  CHECK(journal.changes[0].path == "a/b.jpg");
  CHECK(journal.changes[1].added == "bird");
  CHECK(journal.changes[2].saved == 2);
  CHECK(journal.changes[3].number == 7);
  CHECK(journal.classes.names() == std::vector<std::string>{"cat", "dog", "bird"});
}

TEST_CASE("annotate: a line that was cut off is left out, whatever its length") {
  const std::string first = line_of(change_of(1, "a.jpg"), kClasses),
                    second = line_of(change_of(2, "b.jpg"), kClasses);
  for (size_t cut = 0; cut < second.size(); ++cut) {
    const Journalled journal = parse(first + second.substr(0, cut));
    CHECK(journal.changes.size() == 1);
    CHECK(journal.bytes == first.size());
    // As some file systems leave it after a power failure.
    CHECK(parse(first + std::string(cut, '\0') + second.substr(cut)).changes.size() == (cut == 0 ? 2 : 1));
  }
}

TEST_CASE("annotate: other damage is an error that names the line") {
  const std::string first = line_of(change_of(1, "a.jpg"), kClasses),
                    second = line_of(change_of(2, "b.jpg"), kClasses);
  for (size_t i = 0; i + 1 < first.size(); ++i) {
    std::string damaged = first;
    damaged[i] ^= 1;
    CHECK(test::contains(error_of([&] { parse(damaged + second); }), "J, line 1: it"));
  }
  CHECK(test::contains(error_of([&] { parse(first + "\n" + second); }), "J, line 2: it is not valid JSON"));
  CHECK(test::contains(error_of([&] { parse(second + first); }), "J, line 2: it has the number 1 after 2"));
  for (const char* line : {"[1]\n", "{\"n\":1}\n", "7\n"})
    CHECK(error_of([&] { parse(first + line); }) == "J, line 2: it has no checksum");
  CHECK(test::contains(error_of([&] { parse(std::string(5, '\0') + "\n" + second); }),
                       "J, line 1: it is not valid JSON"));
}

TEST_CASE("annotate: appending goes on where the whole lines end, also after a write that failed") {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("j", "one\ntwo\nthr");
  {
    Journal journal(path, 8);
    CHECK(test::read_file(path) == "one\ntwo\n");
    journal.append("four\n");
  }
  test::RecordedFiles files(folder.path());
  Journal journal(folder / "new", 0);
  journal.append("one\n");
  for (const char* word : {"disk full\n", "half written\n"}) {
    files.arm({.call = 1, .error = word[0] == 'd' ? ENOSPC : EIO, .lasts = true});
    CHECK(error_of([&] { journal.append(word); }) != "");
    files.disarm();
  }
  journal.append("two\n");
  CHECK(test::read_file(folder / "new") == "one\ntwo\n");
  CHECK(test::read_file(path) == "one\ntwo\nfour\n");
}

}  // namespace kiln
