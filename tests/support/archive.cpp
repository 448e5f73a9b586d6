#include "support/archive.h"

#include <kiln/io/bytes/little_endian.h>

namespace kiln::test {
namespace {

std::string u16(uint64_t value) { return io::little_endian(value, 2); }
std::string u32(uint64_t value) { return io::little_endian(value, 4); }

}  // namespace

Archive& Archive::add(Record record) {
  const uint64_t stored = record.content.size(), size = record.size < 0 ? stored : uint64_t(record.size),
                 local_size = record.local_size < 0 ? size : uint64_t(record.local_size);
  const std::string local_name = record.local_name.empty() ? record.name : record.local_name;
  const auto common = [&](int flags, uint64_t told, const std::string& name, size_t extra) {
    return u16(20) + u16(uint64_t(flags)) + u16(uint64_t(record.method)) + u32(0) + u32(record.checksum) +
           u32(stored) + u32(told) + u16(name.size()) + u16(extra);
  };
  directory_ += "PK\1\2" + u16(20) + common(record.flags, size, record.name, record.extra.size()) +
                u16(record.comment.size()) + std::string(8, '\0') +
                u32(uint64_t(int64_t(bytes_.size()) + record.offset_shift)) + record.name + record.extra +
                record.comment;
  bytes_ += "PK\3\4" +
            common(record.flags | record.local_flags, local_size, local_name, record.local_extra.size()) +
            local_name + record.local_extra + record.content;
  ++count_;
  return *this;
}

std::string Archive::finish(const std::string& comment) const {
  return bytes_ + directory_ + "PK\5\6" + u32(0) + u16(count_) + u16(count_) + u32(directory_.size()) +
         u32(bytes_.size()) + u16(comment.size()) + comment;
}

}  // namespace kiln::test
