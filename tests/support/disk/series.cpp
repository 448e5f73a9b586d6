#include "support/disk/series.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>

#include <kiln/tensor/base/error.h>
#include <kiln/tensor/fmt.h>

#include "support/disk/disk.h"
#include "support/disk/stage.h"

namespace kiln::test {
namespace {

// Whether the model of the disk comes to the same files.
void compare(RecordedFiles& files, const std::string& folder) {
  Disk disk(0, 0);
  for (const Change& change : files.changes()) disk.apply(change);
  DiskState found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string path = files.within(entry.path().string());
    if (entry.is_directory())
      found.folders.push_back(path);
    else
      found.files[path] = std::make_shared<Content>(read_file(entry.path().string()));
  }
  std::ranges::sort(found.folders);
  if (found.hash() != disk.now().hash()) throw std::logic_error("the record of a disk is not what it holds");
}

}  // namespace

bool Expected::allows(int64_t save) const {
  const int64_t safe = ended.empty() ? 0 : ended.back();
  return save == safe || (save > safe && std::ranges::find(unsure, save) != unsure.end());
}

Recording record(const Series& series, int64_t failing, Fault fault) {
  const TemporaryFolder folder(memory_folder());
  RecordedFiles files(folder.path());
  const std::function<void(int64_t)> save = series.begin(folder.path());
  Recording recording;
  for (int64_t number = 1; number <= series.saves; ++number) {
    const bool is_watched = number == (failing > 0 ? failing : series.saves);
    files.mark(Change::Kind::begins, number);
    if (is_watched) files.arm(fault);
    recording.errors.push_back(error_of([&] { save(number); }));
    files.disarm();
    if (recording.errors.back().empty()) files.mark(Change::Kind::ends, number);
    if (is_watched) recording.left = temporary_in(folder.path());
  }
  compare(files, folder.path());
  recording.left_at_end = temporary_in(folder.path());
  recording.changes = files.changes();
  recording.calls = files.calls();
  return recording;
}

int64_t each_fault(const Series& series, int64_t failing,
                   const std::function<void(const Fault& fault, const Recording& recording)>& look) {
  const std::vector<std::string> calls = record(series, failing).calls;
  int64_t count = 0;
  for (size_t i = 0; i < calls.size(); ++i)
    for (Fault fault : {Fault{.error = EIO}, Fault{.error = ENOSPC}, Fault{.error = EINTR},
                        Fault{.error = Fault::kShort}, Fault{.error = EIO, .lasts = true}}) {
      if (fault.error == Fault::kShort && calls[i] != "pwrite" && calls[i] != "pread") continue;
      fault.call = int64_t(i) + 1;
      look(fault, record(series, failing, fault));
      ++count;
    }
  return count;
}

std::string wrong_end(const Fault& fault, int64_t failing, const Recording& recording) {
  const std::string& call = recording.calls[size_t(fault.call) - 1];
  // Those that a signal can interrupt (signal(7)); the others give this error on strange systems at most.
  const bool is_made_again = call == "open" || call == "pread" || call == "pwrite" || call == "fallocate" ||
                             call == "fchmod" || call == "fsync" || call == "flock";
  for (size_t i = 0; i < recording.errors.size(); ++i) {
    const bool may_fail =
        int64_t(i) + 1 == failing && fault.error != Fault::kShort && !(fault.error == EINTR && is_made_again);
    if (!recording.errors[i].empty() && !may_fail)
      return fmt::format("save {} after '{}' failed: {}", i + 1, call, recording.errors[i]);
  }
  if (!recording.left.empty() && call != "unlink" && !fault.lasts)
    return fmt::format("'{}' failed and {} is left", call, recording.left);
  return recording.left_at_end.empty() ? "" : recording.left_at_end + " is left at the end";
}

}  // namespace kiln::test
