#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <kiln/io/bytes/file_system.h>

namespace kiln::test {

// What changed a disk, or a mark of the test among these. Paths are within the recorded folder, "" for
// itself. Temporary files are numbered anew, so that the same calls give the same record.
struct Change {
  enum class Kind {
    make_folder,
    create,
    write,
    reserve,
    rename,
    remove,
    sync_file,
    sync_folder,
    begins,  // a save
    ends,    // without an error
  };
  Kind kind;
  std::string path, to = {};  // of what has to do with names
  int file = -1;              // of what has to do with content: its number in the order of creation
  int64_t at = 0;             // write: where; reserve: the size
  std::string bytes = {};
  int64_t save = 0;  // begins, ends: which
};

// A call that goes wrong: it does nothing, and gives `error`; a write or a read does half of its work for
// kShort.
struct Fault {
  static constexpr int kShort = 0;
  int64_t call = 0;  // the how manieth from arm(), from 1 on; 0: none
  int error = kShort;
  bool lasts = false;  // all later ones too, until disarm()
};

// The system's files, where every call may be made to fail and each change within a folder is recorded. In
// place while it lives. For one thread.
class RecordedFiles : public io::FileSystem {
 public:
  explicit RecordedFiles(std::string folder);
  ~RecordedFiles() override;

  void mark(Change::Kind kind, int64_t save) { changes_.push_back({.kind = kind, .path = "", .save = save}); }
  const std::vector<Change>& changes() const { return changes_; }

  // Counts calls, with their names, from now on.
  void arm(Fault fault);
  void disarm() { armed_ = false; }
  const std::vector<std::string>& calls() const { return calls_; }

  // A path as the record has it.
  std::string within(const std::string& path);

  int open(const std::string& path, int flags, mode_t mode) override;
  int close(int file) override;
  int stat(const std::string& path, struct stat& info) override;
  int fstat(int file, struct stat& info) override;
  ssize_t pread(int file, void* out, size_t bytes, off_t begin) override;
  void* mmap(int file, size_t bytes, bool writable) override;
  ssize_t pwrite(int file, const void* data, size_t bytes, off_t begin) override;
  int fallocate(int file, off_t bytes) override;
  int fchmod(int file, mode_t mode) override;
  int fsync(int file) override;
  int flock(int file, int operation) override;
  int rename(const std::string& from, const std::string& to) override;
  int unlink(const std::string& path) override;
  int mkdir(const std::string& path, mode_t mode) override;
  int rmdir(const std::string& path) override;
  int list(const std::string& folder, std::vector<std::string>& names) override;
  int realpath(const std::string& path, std::string& real) override;

 private:
  bool fails(const char* call, size_t* bytes = nullptr);

  std::string folder_;
  FileSystem* before_;
  std::vector<Change> changes_;
  std::map<std::string, int> numbers_;                 // of created files, by the names they have now
  std::map<int, int> files_;                           // the same of those that are open
  std::map<int, std::optional<std::string>> folders_;  // paths of open folders; none for one outside
  int created_ = 0;
  std::map<std::string, std::string> temporaries_;
  bool armed_ = false;
  Fault fault_;
  std::vector<std::string> calls_;
};

}  // namespace kiln::test
