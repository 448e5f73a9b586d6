#pragma once

#include <cstdint>
#include <string>

#include <kiln/tensor/value/value.h>

namespace kiln::serve {

// What is said of a model when it is put into a store.
struct About {
  Value metrics = Value::dict();  // numbers by name, as they were measured on the validation set
  std::string data;               // hash of the data manifest that it was trained with
  std::string parent;             // the version that it was trained from or is to replace
  std::string who;                // "": the user that runs the program
  std::string note;
};

// A model in a store: a file that never changes, and what was said of it.
struct Version {
  std::string id;    // SHA-256 of the file's bytes, 64 hexadecimal digits
  std::string path;  // of the file
  int64_t bytes = 0;
  std::string when;    // UTC, "2026-11-30T11:05:00Z"
  int64_t number = 0;  // in the order of adding, from 1; 0: added by a Kiln that did not count
  About about;
};

// A line of a store's history.
struct Event {
  enum class Kind { promote, refuse, rollback, pin, unpin, remove };
  int64_t number = 0;  // from 1 on
  Kind kind = Kind::promote;
  std::string version;
  std::string before;  // what was current, "" for nothing
  std::string who, when, why;
};

const char* name_of(Event::Kind kind);

// The first digits, by which people name it.
inline std::string short_id(const std::string& id) { return id.substr(0, 12); }

}  // namespace kiln::serve
