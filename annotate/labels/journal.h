#pragma once

// Internal: the journal of labels, a JSON object a line, each of which is on the disk before anybody is told
// that the change is made. Each ends with the CRC-32C of what stands before it.

#include <string>
#include <string_view>
#include <vector>

#include <kiln/annotate/labels/picture.h>
#include <kiln/data/annotations/reading.h>

namespace kiln::annotate {

// A line: of a picture, which is now like this whatever it was before, of a class that was added, or that
// the labels file has all changes up to a number.
struct Change {
  int64_t number = 0;
  std::string when, who;
  std::string path;  // of a picture; "" for another line
  Work work;
  std::string added;   // a class
  int64_t saved = -1;  // a number
};

// With the line's end.
std::string line_of(const Change& change, const std::vector<std::string>& classes);

struct Journalled {
  std::vector<Change> changes;
  data::ClassNames classes;  // those that were given, and what the changes add
  size_t bytes = 0;          // of whole lines
};

// A last line without its end, or with zero bytes, is what a program that was killed or a power failure
// leaves of a change that nobody was told is made: it is left out. Anything else that is no such line, and a
// number that does not grow, is an Error: "WHERE, line 3: ...".
Journalled parse_journal(std::string_view text, data::ClassNames classes, const std::string& where);

class Journal {
 public:
  // Goes on behind so many bytes of what is in the file, and makes it where there is none. What follows them
  // is removed.
  Journal(std::string path, int64_t bytes);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // The line is on the disk when this returns. When it throws, it may come back after a restart, but the file
  // is whole: the next one first writes it anew.
  void append(std::string_view line);
  int64_t bytes() const { return bytes_; }

 private:
  void open();
  void renew();

  std::string path_;
  int64_t bytes_;
  int file_ = -1;
  bool is_whole_ = true;  // nothing stands behind bytes_
};

}  // namespace kiln::annotate
