#pragma once

// Internal: what is known of a folder's pictures when the work begins.

#include <kiln/annotate/labels/journal.h>
#include <kiln/tensor/base/function.h>

namespace kiln::annotate {

struct Place {
  std::string folder;                     // of the pictures
  std::string labels;                     // the labels file, .jsonl; "": labels.jsonl in the folder
  std::vector<std::string> classes = {};  // that there should be, beside those that are known
  std::string data = {};      // annotations that the work begins with, of any kind that open_data reads
  bool from_folders = false;  // it begins with the names of class folders
  Function<void(const std::string&)> note = {};  // told what is left out, for people
  int64_t long_journal =
      64 << 20;  // bytes, read in a second or two; a longer one is shortened at the beginning
};

// Its journal lies beside the labels file.
std::string labels_path(const Place& place);
std::string journal_path(const Place& place);

struct Loaded {
  std::vector<Picture> pictures;
  data::ClassNames classes;
  int64_t number = 0;         // of the last change
  int64_t journal_bytes = 0;  // of its whole lines
  bool is_saved = false;      // the labels file says all of this
};

// The labels file, then what the journal has beyond it. `data` and `from_folders` count where there is no
// labels file yet. Changes nothing on the disk.
Loaded load(const Place& place);

// Those that are done, and all that a file of annotations has named for another reason than its work, as
// annotations of the folder.
data::Annotations annotations_of(const Place& place, const std::vector<Picture>& pictures,
                                 const std::vector<std::string>& classes);

}  // namespace kiln::annotate
