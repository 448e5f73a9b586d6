#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/disk/recorded_files.h"

namespace kiln::test {

// The bytes of a file, with a hash of them.
struct Content {
  explicit Content(std::string bytes);
  std::string bytes;
  uint64_t hash;
};
using ContentRef = std::shared_ptr<const Content>;

// What a disk holds: files and folders by their paths. The folder of all is not among them.
struct DiskState {
  std::map<std::string, ContentRef> files;
  std::vector<std::string> folders;

  // What counts of temporary files, whose numbers never do.
  enum class Temporaries { all, names, nothing };
  uint64_t hash(Temporaries count = Temporaries::all) const;
};

// What a disk may hold after a power failure, by what POSIX promises, which is less than what a file system
// keeps
// ("All File Systems Are Not Created Equal", OSDI 2014):
//
// - What was written to a file since it was synced last is there or not, each sector for itself. So is the
//   size; where it is there and the data are not, zeros are.
// - What happened to the names in a folder since that was synced last is there or not, each change for
//   itself, but for the order of changes of one name. Syncing a file does nothing for its name. A rename
//   replaces at once; the old name may remain.
class Disk {
 public:
  // `torn` is how many random mixtures of sectors are looked at for each file and moment, beside regular
  // ones; with 0 files are little more than there or not (contents.h).
  Disk(int torn, uint64_t seed) : torn_(torn), random_(seed) {}

  void apply(const Change& change);
  // With nothing lost.
  DiskState now() const;
  void each_state(const std::function<void(const DiskState&)>& look);

 private:
  struct File {
    std::string synced;
    std::vector<Change> pending;
    std::vector<ContentRef> variants;  // of what may be there; empty when it has to be made
  };
  // A change of names, and how much of it is there.
  enum class Part { none, whole, old_name_stays };
  using Names = std::map<std::string, int>;  // a file's number, or -1 for a folder

  static void change_names(Names& names, const Change& change, Part part);
  bool is_possible(const std::vector<Part>& parts) const;
  void each_choice(const std::function<void(const std::vector<Part>&)>& look);
  DiskState state(const Names& names, const std::map<int, ContentRef>& contents) const;
  void each_content(const Names& names, const std::function<void(const DiskState&)>& look);
  const std::vector<ContentRef>& variants(File& file);
  size_t below(size_t end) { return size_t(random_()) % end; }

  int torn_;
  std::mt19937_64 random_;
  Names synced_;
  std::vector<Change> pending_;  // of names
  std::vector<File> files_;
};

}  // namespace kiln::test
