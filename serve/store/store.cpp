#include <kiln/serve/store/store.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <utility>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/file_system.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/io/bytes/json.h>
#include <kiln/io/bytes/sha256.h>
#include <kiln/serve/store/history.h>
#include <kiln/serve/store/lock.h>
#include <kiln/serve/store/places.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve {
namespace {

// Calls f(begin, data, bytes) for the pieces of a file.
template <class F>
void each_piece(const io::InputFile& file, F&& f) {
  constexpr int64_t kPiece = 1 << 20;
  for (int64_t begin = 0; begin < file.size(); begin += kPiece) {
    const std::string piece = file.read(begin, std::min(kPiece, file.size() - begin));
    f(begin, piece.data(), int64_t(piece.size()));
  }
}

std::string hash_of(const io::InputFile& file) {
  io::Sha256 hash;
  each_piece(file, [&](int64_t, const char* data, int64_t bytes) { hash.add(data, size_t(bytes)); });
  return hash.finish();
}

void copy(const io::InputFile& file, const std::string& id, const std::string& to) {
  io::AtomicFile out(to, file.size());
  io::Sha256 hash;
  each_piece(file, [&](int64_t begin, const char* data, int64_t bytes) {
    hash.add(data, size_t(bytes));
    out.write(begin, data, bytes);
  });
  if (hash.finish() != id) fail("store: '{}' changed while it was read; add it again", file.path());
  out.commit();
}

void write(const std::string& path, const std::string& text) {
  io::AtomicFile out(path, 0);
  out.write(0, text.data(), int64_t(text.size()));
  out.commit();
}

std::string text_of(const Version& version) {
  const About& about = version.about;
  return io::json_text({{"id", version.id},
                        {"bytes", version.bytes},
                        {"when", version.when},
                        {"number", version.number},
                        {"who", about.who},
                        {"data", about.data},
                        {"parent", about.parent},
                        {"note", about.note},
                        {"metrics", about.metrics}}) +
         "\n";
}

Version version_of(const Value& value) {
  Version version = {.id = value.at("id").as_string(), .bytes = value.at("bytes").as_int()};
  version.when = value.at("when").as_string();
  constexpr int64_t kMost = int64_t(1) << 53;
  if (const Value* number = value.find("number"))
    version.number = std::clamp<int64_t>(number->as_int(), 0, kMost);
  version.about = {.metrics = value.at("metrics"),
                   .data = value.at("data").as_string(),
                   .parent = value.at("parent").as_string(),
                   .who = value.at("who").as_string(),
                   .note = value.at("note").as_string()};
  return version;
}

std::string read_file(const std::string& path) {
  const io::InputFile file(path);
  return file.read(0, file.size());
}

bool is_missing(const io::SystemError& error) { return error.code == std::errc::no_such_file_or_directory; }

}  // namespace

Store::Store(std::string folder) : folder_(std::move(folder)) {}

Version Store::add(const std::string& file, const About& about) {
  if (!about.metrics.is_dict()) fail("store: metrics are a dict, not {}", name_of(about.metrics.kind()));
  const io::InputFile in(file);
  Version version = {.id = hash_of(in), .bytes = in.size(), .when = time_text(), .about = about};
  if (version.about.who.empty()) version.about.who = user_name();
  (void)text_of(version);  // throws for what JSON has not, before anything is written

  if (const std::error_code error = io::make_folders(store::versions(folder_)))
    fail("store: cannot make '{}': {}", folder_, error.message());
  const FolderLock lock(folder_);
  store::clear_up(folder_);
  if (std::optional<Version> there = read(version.id)) return *there;
  version.number = most_added() + 1;
  const std::string place = store::version(folder_, version.id);
  if (const std::error_code error = io::make_folders(place))
    fail("store: cannot make '{}': {}", place, error.message());
  version.path = store::model(folder_, version.id);
  copy(in, version.id, version.path);
  write(store::about(folder_, version.id), text_of(version));
  return version;
}

// The highest number that a version has; one that is damaged has none.
int64_t Store::most_added() const {
  int64_t most = 0;
  for (const std::string& id : store::names(folder_)) try {
      if (const std::optional<Version> version = read(id)) most = std::max(most, version->number);
    } catch (const Error&) {
      continue;
    }
  return most;
}

// Nothing when it is not there, or not all of it. Who reads has no lock: another program may remove it at any
// moment.
std::optional<Version> Store::read(const std::string& id) const {
  const std::string path = store::about(folder_, id);
  struct stat info;
  if (io::file_system().stat(path, info) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) fail("store: cannot read '{}': {}", path, std::strerror(errno));
    return {};
  }
  std::string text;
  try {
    text = read_file(path);
  } catch (const io::SystemError& error) {
    if (is_missing(error)) return {};
    throw;
  }
  constexpr size_t kDepth = 32;
  Version version = version_of(io::parse_json(text, "store: '" + path + "'", kDepth));
  if (version.id != id) fail("store: '{}' tells of another version, {}", path, version.id);
  version.path = store::model(folder_, id);
  return version;
}

std::vector<Version> Store::list() const {
  std::vector<Version> found;
  for (const std::string& id : store::names(folder_))
    if (std::optional<Version> version = read(id)) found.push_back(std::move(*version));
  std::ranges::sort(found, [](const Version& a, const Version& b) {
    return std::tie(a.when, a.number, a.id) < std::tie(b.when, b.number, b.id);
  });
  return found;
}

std::vector<Event> Store::history() const {
  const std::string path = store::history(folder_);
  struct stat info;
  if (io::file_system().stat(path, info) != 0 && errno == ENOENT) return {};
  return parse_history(read_file(path), "store: '" + path + "'");
}

std::optional<Version> Store::current() const {
  std::string id, before;
  do {
    before = std::exchange(id, Standing(history()).current());
    if (id.empty()) return {};
    if (std::optional<Version> version = read(id)) return version;
  } while (id != before);  // others have become current meanwhile, and this one was collected
  fail("store: '{}' says that {} is current, which is not there", folder_, short_id(id));
}

Version Store::find(std::string_view id) const {
  constexpr size_t kFewest = 4;
  std::vector<Version> found;
  for (const std::string& name : store::names(folder_))
    if (id.size() >= kFewest && name.starts_with(id))
      if (std::optional<Version> version = read(name)) found.push_back(std::move(*version));
  if (found.size() > 1) fail("store: {} versions begin with '{}'; give more digits", found.size(), id);
  if (found.empty())
    fail("store: there is no version '{}' in '{}'{}", id, folder_,
         id.size() < kFewest ? "; give at least 4 digits" : "");
  return found[0];
}

void Store::check(const Version& version) const {
  std::string found;
  try {
    found = hash_of(io::InputFile(version.path));
  } catch (const io::SystemError& error) {
    if (is_missing(error) && !read(version.id)) fail("store: {} was removed meanwhile", short_id(version.id));
    throw;
  }
  if (found != version.id)
    fail("store: version {} is damaged: its file has the SHA-256 {}", short_id(version.id), short_id(found));
}

// Under the lock.
Event Store::append(const std::vector<Event>& history, Event event) {
  event.number = int64_t(history.size()) + 1;
  event.who = user_name();
  event.when = time_text();
  std::string text;
  for (const Event& before : history) text += line_of(before);
  write(store::history(folder_), text + line_of(event));
  return event;
}

}  // namespace kiln::serve
