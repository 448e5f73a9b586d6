#include <kiln/io/source.h>

#include <cstring>

#include <kiln/tensor/fail.h>

namespace kiln::io {

Source::Source(const InputFile& file, bool map, bool share)
    : file_(&file), share_(share), name_(fmt::format("load: '{}'", file.path())), size_(file.size()) {
  if (!map || size_ == 0) return;
  mapping_ = file.map();
  memory_ = {static_cast<const char*>(mapping_->data), size_t(size_)};
}

Source::Source(std::string_view memory, std::string name)
    : memory_(memory), name_(std::move(name)), size_(int64_t(memory.size())) {}

void Source::check(int64_t begin, int64_t bytes) const {
  if (begin < 0 || bytes < 0 || begin > size_ || bytes > size_ - begin)
    fail("{} is incomplete or damaged: {} bytes are needed at byte {}, it has {} in all", name_, bytes, begin,
         size_);
}

void Source::read(int64_t begin, int64_t bytes, void* out) const {
  check(begin, bytes);
  if (bytes == 0) return;
  if (memory_.empty())
    file_->read(begin, bytes, out);
  else
    std::memcpy(out, memory_.data() + begin, size_t(bytes));
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

Ref<Storage> Source::storage(int64_t begin, int64_t bytes, int64_t alignment) const {
  check(begin, bytes);
  if (share_ && mapping_ && bytes > 0 && begin % alignment == 0) return part_of(mapping_, begin, bytes);
  Ref<Storage> copy = Storage::allocate(bytes, cpu);
  read(begin, bytes, copy->data);
  return copy;
}

Ref<Storage> part_of(const Ref<Storage>& whole, int64_t begin, int64_t bytes) {
  const auto release = [](void* owner) { delete static_cast<Ref<Storage>*>(owner); };
  return Storage::adopt(static_cast<char*>(whole->data) + begin, bytes, cpu, new Ref<Storage>(whole),
                        release);
}

}  // namespace kiln::io
