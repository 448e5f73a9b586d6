#include <kiln/io/torch/tar_members.h>

#include <algorithm>

#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

constexpr int64_t kBlock = 512;
constexpr size_t kMarkAt = 257, kSizeAt = 124, kTypeAt = 156, kSumAt = 148, kFieldBytes = 12, kSumBytes = 8,
                 kPrefixAt = 345, kPrefixBytes = 155;
constexpr size_t kExtended = 4;

// What an extended header may say: nothing about where or what a member is.
constexpr std::string_view kHarmless[] = {"mtime", "atime", "ctime", "uid", "gid", "uname", "gname"};

int64_t octal(std::string_view field) {
  int64_t value = 0;
  for (const char c : field) {
    if (c == ' ' || c == '\0') continue;
    if (c < '0' || c > '7') return -1;
    value = value << 3 | (c - '0');
  }
  return value;
}

bool has_sum(std::string_view header) {
  int64_t sum = 0;
  for (size_t i = 0; i < header.size(); ++i)
    sum += i >= kSumAt && i < kSumAt + kSumBytes ? ' ' : uint8_t(header[i]);
  return octal(header.substr(kSumAt, kSumBytes)) == sum;
}

bool is_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == bytes.npos; }

// "27 mtime=1486118400.123456\n": its own length in all, a key, a value (POSIX.1-2001, pax).
void check_extended(std::string_view text, const Source& source, int64_t at) {
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size()), equals = text.find('=');
    size_t length = 0;
    for (const char c : text.substr(0, space))
      length = c >= '0' && c <= '9' ? length * 10 + size_t(c - '0') : 0;
    constexpr size_t kDigits = 9;
    if (space == 0 || space > kDigits || length > text.size() || length < space + 2 || equals >= length ||
        equals < space || text[length - 1] != '\n')
      fail("{} has a damaged extended tar header at byte {}", source.name(), at);
    const std::string_view key = text.substr(space + 1, equals - space - 1);
    if (std::ranges::find(kHarmless, key) == std::end(kHarmless))
      fail("{} has an extended tar header with '{}' at byte {}, as PyTorch's have not", source.name(),
           quotable(key), at);
    text.remove_prefix(length);
  }
}

}  // namespace

bool is_tar(std::string_view head) { return head.size() > kMarkAt + 5 && head.substr(kMarkAt, 5) == "ustar"; }

void find_tar_members(const Source& source, std::span<const std::string_view> names,
                      std::span<TarMember> members) {
  size_t extended = 0;
  int64_t at = 0;
  while (at + kBlock <= source.size()) {
    const std::string_view header = source.view(at, kBlock);
    if (is_zero(header)) break;
    const std::string_view name = header.substr(0, header.find('\0'));
    const int64_t bytes = octal(header.substr(kSizeAt, kFieldBytes)), begin = at + kBlock;
    if (!is_tar(header) || !has_sum(header))
      fail("{} has a damaged tar header at byte {}", source.name(), at);
    if (bytes < 0 || bytes > source.size() - begin)
      fail("{} is incomplete: '{}' at byte {} should have {} bytes", source.name(), quotable(name), at,
           bytes);
    if (!is_zero(header.substr(kPrefixAt, kPrefixBytes)))
      fail("{}: '{}' at byte {} has a prefix to its name, as PyTorch's have not", source.name(),
           quotable(name), at);
    const char type = header[kTypeAt];
    if (type == 'x' || type == 'g') {  // times and owners of pax
      if (++extended > kExtended) fail("{} has more than {} extended tar headers", source.name(), kExtended);
      check_extended(source.view(begin, bytes), source, at);
    } else {
      const auto known = std::ranges::find(names, name);
      if (known == names.end() || (type != '0' && type != '\0'))
        fail(
            "{} is a tar archive with the member '{}'; PyTorch's have sys_info, pickle, tensors and storages",
            source.name(), quotable(name));
      TarMember& member = members[size_t(known - names.begin())];
      if (member.begin >= 0) fail("{} has the member '{}' twice", source.name(), name);
      member = {begin, bytes};
    }
    at = std::min(begin + (bytes + kBlock - 1) / kBlock * kBlock, source.size());
    if (!is_zero(source.view(begin + bytes, at - begin - bytes)))
      fail("{} has bytes behind the member '{}' that are not zero, at byte {}", source.name(), quotable(name),
           begin + bytes);
  }
  if (!is_zero(source.view(at, source.size() - at)))
    fail("{} has {} bytes at byte {}, behind its members, that are not zero", source.name(),
         source.size() - at, at);
  for (size_t i = 0; i < names.size(); ++i)
    if (members[i].begin < 0) fail("{} is a tar archive without the member '{}'", source.name(), names[i]);
}

}  // namespace kiln::io
