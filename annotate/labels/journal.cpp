#include <kiln/annotate/labels/journal.h>

#include <fcntl.h>

#include <cstring>

#include <kiln/data/annotations/manifest_entry.h>
#include <kiln/io/bytes/crc32c.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/file_system.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/io/bytes/json.h>

namespace kiln::annotate {
namespace {

constexpr std::string_view kChecksum = ",\"crc\":";

uint32_t checksum_of(std::string_view text) { return io::crc32c(text.data(), text.size()); }

// Of what stands before it. It takes the object without its last brace.
std::string with_checksum(const std::string& text) {
  return fmt::format("{}{}{}}}\n", text, kChecksum, checksum_of(text));
}

void check(std::string_view row, const Value& value) {
  const size_t end = row.rfind(kChecksum);
  const Value* found = value.is_dict() ? value.find("crc") : nullptr;
  if (end == row.npos || found == nullptr || !found->is_int()) fail("it has no checksum");
  if (const uint32_t right = checksum_of(row.substr(0, end)); found->as_int() != int64_t(right))
    fail("its checksum is {}, and should be {}", found->as_int(), right);
}

std::string text_in(const Value& value, const char* key) {
  const Value* text = value.find(key);
  return text == nullptr ? "" : text->as_string();
}

Change change_of(const Value& value, data::ManifestEntries& entries) {
  Change change;
  if (const Value* saved = value.find("saved")) {
    change.saved = saved->as_int();
    return change;
  }
  change.number = value.at("n").as_int();
  change.when = text_in(value, "when");
  change.who = text_in(value, "who");
  if (const Value* added = value.find("class")) {
    change.added = added->as_string();
    return change;
  }
  data::AnnotatedImage image;
  for (const char* key : {"path", "labels", "boxes"}) entries.set(image, key, value.at(key));
  const std::optional<Mark> mark = mark_of(value.at("mark").as_string());
  if (!mark) fail("'{}' is no mark", value.at("mark").as_string());
  change.path = image.path;
  change.work = {*mark, image.labels, image.boxes};
  if (change.path.empty()) fail("the path is empty");
  return change;
}

}  // namespace

std::string line_of(const Change& change, const std::vector<std::string>& classes) {
  if (change.saved >= 0) return with_checksum(fmt::format("{{\"saved\":{}", change.saved));
  const std::string head = fmt::format(R"({{"n":{},"when":{},"who":{})", change.number,
                                       io::json_string(change.when), io::json_string(change.who));
  if (!change.added.empty()) return with_checksum(head + ",\"class\":" + io::json_string(change.added));
  return with_checksum(head + ",\"path\":" + io::json_string(change.path) + "," +
                       work_json(change.work, classes));
}

Journalled parse_journal(std::string_view text, data::ClassNames classes, const std::string& where) {
  constexpr size_t kDepth = 8;
  data::ManifestEntries entries(std::move(classes), false);
  Journalled result;
  int64_t line = 0, last = 0;
  while (result.bytes < text.size()) {
    const std::string_view rest = text.substr(result.bytes);
    const size_t end = rest.find('\n');
    ++line;
    const std::string_view row = rest.substr(0, end);
    const bool is_last = end == rest.npos || end + 1 == rest.size();
    if (end == rest.npos || (is_last && row.find('\0') != row.npos)) break;
    Change change;
    try {
      const Value value = io::parse_json(row, "it", kDepth);
      check(row, value);
      change = change_of(value, entries);
      if (!change.added.empty())
        entries = data::ManifestEntries(
            [&] {
              data::ClassNames more = entries.names();
              more.add(change.added);
              return more;
            }(),
            false);
    } catch (const Error& error) {
      fail("{}, line {}: {}", where, line, error.what());
    }
    if (change.saved < 0 && change.number <= last)
      fail("{}, line {}: it has the number {} after {}", where, line, change.number, last);
    if (change.saved < 0) last = change.number;
    result.changes.push_back(std::move(change));
    result.bytes += end + 1;
  }
  result.classes = entries.names();
  return result;
}

Journal::Journal(std::string path, int64_t bytes) : path_(std::move(path)), bytes_(bytes) {
  struct stat info;
  const bool is_there = io::file_system().stat(path_, info) == 0;
  if (!is_there && errno != ENOENT) fail("cannot read '{}': {}", path_, std::strerror(errno));
  if (is_there && info.st_size == bytes_)
    open();
  else
    renew();
}

Journal::~Journal() {
  if (file_ >= 0) io::file_system().close(file_);
}

void Journal::open() {
  if (file_ >= 0) io::file_system().close(file_);
  file_ =
      io::uninterrupted([&] { return io::file_system().open(path_, O_WRONLY | O_APPEND | O_CLOEXEC, 0); });
  if (file_ < 0) fail("cannot write '{}': {}", path_, std::strerror(errno));
  is_whole_ = true;
}

void Journal::renew() {
  io::write_text(path_, bytes_ == 0 ? "" : io::InputFile(path_).read(0, bytes_));
  open();
}

void Journal::append(std::string_view line) {
  if (!is_whole_) renew();
  is_whole_ = false;
  for (size_t put = 0; put < line.size();) {
    const ssize_t some = io::uninterrupted([&] {
      return io::file_system().pwrite(file_, line.data() + put, line.size() - put,
                                      off_t(bytes_) + off_t(put));
    });
    if (some <= 0) fail("cannot write '{}': {}", path_, std::strerror(some < 0 ? errno : EIO));
    put += size_t(some);
  }
  if (io::uninterrupted([&] { return io::file_system().fsync(file_); }) != 0)
    fail("cannot write '{}': {}", path_, std::strerror(errno));
  bytes_ += int64_t(line.size());
  is_whole_ = true;
}

}  // namespace kiln::annotate
