#include <kiln/io/zip/zip.h>

#include <algorithm>
#include <bit>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {
namespace {

constexpr int64_t kSmall = 1 << 20;  // bytes that need no ratio

}  // namespace

bool is_plain_path(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.back() == '/') return false;
  if (name.find('\\') != name.npos || name.find('\0') != name.npos) return false;
  for (size_t at = 0; at <= name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (part == ".." || part == "." || part.empty()) return false;
    at = end + 1;
  }
  return true;
}

std::string shown_name(std::string_view name) {
  constexpr size_t kShown = 200;  // it may have 65535 bytes, of any kind
  std::string shown(name.substr(0, kShown));
  std::ranges::replace_if(
      shown, [](unsigned char c) { return c < ' '; }, '?');
  return shown;
}

ZipArchive::ZipArchive(Source source, const LoadLimits& limits, Read read)
    : source_(std::move(source)), read_(read) {
  const Directory directory = find_directory(limits.records);
  read_directory(directory);
  index_names();
  check_growth(limits);
  end_ = directory.begin;
  read_headers();
}

void ZipArchive::check_growth(const LoadLimits& limits) const {
  const int64_t most = std::max(limits.inflated_bytes, 2 * source_.size());
  int64_t all = 0;
  for (const Record& record : records()) {
    if (!record.deflated) continue;
    if (record.size > kSmall && record.size / limits.inflate_ratio > record.stored)
      fail("{} has {} bytes in {} deflated ones, the limit is {} times as many (limits.inflate_ratio)",
           where(record), record.size, record.stored, limits.inflate_ratio);
    if (record.size > most - all)
      fail("{} and the deflated records before it have more than {} bytes (limits.inflated_bytes)",
           where(record), most);
    all += record.size;
  }
}

std::string ZipArchive::where(const Record& record) const {
  return fmt::format("{}, record '{}'", source_.name(), shown_name(record.name));
}

const ZipArchive::Record* ZipArchive::find(std::string_view name) const {
  const size_t mask = index_.size() - 1;
  for (size_t slot = seeded_hash(name) & mask; index_[slot] != 0; slot = (slot + 1) & mask)
    if (const Record& record = records_[index_[slot] - 1]; record.name == name) return &record;
  return nullptr;
}

const ZipArchive::Record* ZipArchive::find_after(const Record* before, std::string_view name) const {
  if (before == nullptr || before + 1 == records_.data() + files_ || before[1].name != name)
    return find(name);
  return before + 1;
}

void ZipArchive::index_names() {
  index_.resize(std::bit_ceil(2 * files_ + 1));
  const size_t mask = index_.size() - 1;
  for (size_t i = 0; i < files_; ++i) {
    const std::string_view name = records_[i].name;
    if (!is_plain_path(name)) fail("{} has a name that is not a plain path", where(records_[i]));
    size_t slot = seeded_hash(name) & mask;
    for (; index_[slot] != 0; slot = (slot + 1) & mask)
      if (records_[index_[slot] - 1].name == name) fail("{} is there twice", where(records_[i]));
    index_[slot] = uint32_t(i + 1);
  }
  for (size_t i = files_; i < records_.size(); ++i) {
    const std::string_view name = records_[i].name.substr(0, records_[i].name.size() - 1);
    if (!is_plain_path(name)) fail("{} has a name that is not a plain path", where(records_[i]));
    if (find(name) != nullptr) fail("{} is there twice, as a folder and as a file", where(records_[i]));
  }
}

}  // namespace kiln::io
