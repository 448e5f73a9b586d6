#include <kiln/io/bytes/source.h>

#include <algorithm>
#include <cstring>

#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

constexpr int64_t kPiece = 128 << 10;  // is still in the cache when its checksum is taken

}  // namespace

Source::Source(const InputFile& file, const ReadOptions& options, bool map)
    : file_(options.outline != nullptr ? nullptr : &file),
      shares_(options.map),
      read_only_(options.read_only),
      outline_(options.outline),
      name_(fmt::format("load: '{}'", file.path())),
      path_(file.path()),
      size_(file.size()) {
  if (options.progress) {
    progress_ = std::make_shared<Progress>();
    progress_->report = options.progress;
  }
  if ((!map && !options.map) || size_ == 0) return;
  mapping_ = file.map(!options.read_only);
  memory_ = {static_cast<const char*>(mapping_->data), size_t(size_)};
}

Source::Source(std::string_view memory, std::string name)
    : memory_(memory), name_(std::move(name)), size_(int64_t(memory.size())) {}

Source Source::part(int64_t begin, int64_t bytes, std::string name) const {
  check(begin, bytes);
  Source result = *this;
  result.file_ = nullptr;
  if (mapping_) result.mapping_ = bytes > 0 ? part_of(mapping_, begin, bytes) : Ref<Storage>();
  result.memory_ = memory_.substr(size_t(begin), size_t(bytes));
  result.name_ = std::move(name);
  result.size_ = bytes;
  result.begin_ = begin_ + begin;
  return result;
}

int64_t Source::alignment_for(DType dtype, bool untyped) const {
  constexpr int64_t kNowhere = INT64_MAX, kWidest = 16;  // but at byte 0, where no format has data
  if (read_only_ && (untyped || dtype == bool8)) return kNowhere;
  return untyped ? kWidest : size_of(dtype);
}

void Source::check(int64_t begin, int64_t bytes) const {
  if (begin < 0 || bytes < 0 || begin > size_ || bytes > size_ - begin)
    fail("{} is incomplete or damaged: {} bytes are needed at byte {}, it has {} in all", name_, bytes, begin,
         size_);
}

void Source::read(int64_t begin, int64_t bytes, void* out) const {
  check(begin, bytes);
  if (bytes == 0) return;
  if (!memory_.empty())
    std::memcpy(out, memory_.data() + begin, size_t(bytes));
  else if (!read_by_window(begin, bytes, out))
    file_->read(begin, bytes, out);
}

void Source::peek(int64_t begin, int64_t bytes, void* out) const {
  const int64_t last_end = last_end_;
  last_end_ = INT64_MAX;  // nothing follows it
  read(begin, bytes, out);
  last_end_ = last_end;
}

// Thousands of small records one behind the other would each cost calls of the system.
bool Source::read_by_window(int64_t begin, int64_t bytes, void* out) const {
  constexpr int64_t kWindow = 256 << 10, kSmall = 32 << 10;
  if (bytes > kSmall) return false;
  const bool follows = begin >= last_end_ && begin - last_end_ < kSmall;
  last_end_ = begin + bytes;
  if (begin < window_begin_ || begin + bytes > window_begin_ + int64_t(window_.size())) {
    if (!follows) return false;
    window_.resize(size_t(std::min(kWindow, size_ - begin)));
    window_begin_ = begin;
    file_->read(begin, int64_t(window_.size()), window_.data());
  }
  std::memcpy(out, window_.data() + (begin - window_begin_), size_t(bytes));
  return true;
}

std::string Source::read(int64_t begin, int64_t bytes) const {
  check(begin, bytes);
  std::string text(size_t(bytes), '\0');
  read(begin, bytes, text.data());
  return text;
}

std::string_view Source::view(int64_t begin, int64_t bytes) const {
  check(begin, bytes);
  return memory_.substr(size_t(begin), size_t(bytes));
}

void Source::leave(int64_t begin, int64_t bytes) const {
  if (mapping_ && read_only_) io::leave(memory_.data() + begin, bytes);
}

void Source::advance(int64_t bytes) const {
  if (!progress_) return;
  const std::lock_guard lock(progress_->mutex);
  if (progress_->stopped) return;
  progress_->done = std::min(progress_->done + bytes, size_);
  progress_->stopped = true;
  progress_->report(progress_->done, size_);
  progress_->stopped = false;
}

Ref<Storage> Source::storage(int64_t begin, int64_t bytes, int64_t alignment, Checksum* checksum) const {
  check(begin, bytes);
  if (!shares_ || !mapping_ || bytes == 0 || begin % alignment != 0) {
    Ref<Storage> copy = Storage::allocate(bytes, cpu);
    read_data(begin, bytes, copy->data, checksum);
    return copy;
  }
  Ref<Storage> part = part_of(mapping_, begin, bytes);
  if (checksum == nullptr) return part;
  for (int64_t at = 0; at < bytes; at += kPiece) {
    const int64_t piece = std::min(kPiece, bytes - at);
    checksum->value = checksum->add(static_cast<char*>(part->data) + at, size_t(piece), checksum->value);
    leave(begin + at, piece);
    advance(piece);
  }
  return part;
}

void Source::read_data(int64_t begin, int64_t bytes, void* out, Checksum* checksum) const {
  check(begin, bytes);
  auto* to = static_cast<char*>(out);
  for (int64_t at = 0; at < bytes; at += kPiece) {
    const int64_t piece = std::min(kPiece, bytes - at);
    // Not through a mapping: its pages would count beside the copy.
    if (file_ == nullptr)
      std::memcpy(to + at, memory_.data() + begin + at, size_t(piece));
    else if (!read_by_window(begin + at, piece, to + at))
      file_->read(begin + at, piece, to + at);
    if (checksum != nullptr) checksum->value = checksum->add(to + at, size_t(piece), checksum->value);
    leave(begin + at, piece);
    advance(piece);
  }
}

Ref<Storage> Source::storage_later(int64_t begin, int64_t bytes, int64_t alignment) const {
  check(begin, bytes);
  if (outline_ == nullptr) return storage(begin, bytes, alignment);
  return later(
      bytes, [source = *this, begin, bytes, alignment] { return source.storage(begin, bytes, alignment); },
      Outline::From::file);
}

Ref<Storage> Source::part_later(const Ref<Storage>& whole, int64_t begin, int64_t bytes) const {
  if (outline_ == nullptr) return part_of(whole, begin, bytes);
  return later(bytes, [whole, begin, bytes] { return part_of(data_of(whole), begin, bytes); });
}

Ref<Storage> part_of(const Ref<Storage>& whole, int64_t begin, int64_t bytes) {
  const auto release = [](void* owner) { delete static_cast<Ref<Storage>*>(owner); };
  Ref<Storage> part =
      Storage::adopt(static_cast<char*>(whole->data) + begin, bytes, cpu, new Ref<Storage>(whole), release);
  if (is_mapped_to_read(*whole)) part->last_write = whole->last_write;
  return part;
}

}  // namespace kiln::io
