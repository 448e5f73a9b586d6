#include <kiln/io/pickle/pickle_writer.h>

#include <bit>

#include <kiln/io/bytes/little_endian.h>

namespace kiln::io {
PickleWriter::PickleWriter() : text_("\x80\x02") {}

void PickleWriter::integer(int64_t value) {
  if (value >= 0 && value <= UINT8_MAX) {
    text_ += 'K' + little_endian(uint64_t(value), 1);
  } else if (value >= 0 && value <= UINT16_MAX) {
    text_ += 'M' + little_endian(uint64_t(value), 2);
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    text_ += 'J' + little_endian(uint64_t(value), 4);
  } else {
    text_ += "\x8a\x08" + little_endian(uint64_t(value), 8);
  }
}

void PickleWriter::real(double value) {
  const std::string bytes = little_endian(std::bit_cast<uint64_t>(value), 8);
  text_ += 'G' + std::string(bytes.rbegin(), bytes.rend());
}

void PickleWriter::big_integer(std::string_view bytes) {
  if (bytes.size() <= UINT8_MAX)
    text_ += '\x8a' + little_endian(bytes.size(), 1);
  else
    text_ += '\x8b' + little_endian(bytes.size(), 4);
  text_ += bytes;
}

void PickleWriter::string(std::string_view utf8) {
  const std::string name = 'X' + std::string(utf8);
  if (recall(name)) return;
  text_ += 'X' + little_endian(utf8.size(), 4);
  text_ += utf8;
  remember(name);
}

// Protocol 2 has no bytes: Python encodes a text of the code points 0 .. 255.
void PickleWriter::bytes(std::string_view data) {
  global("_codecs", "encode");
  std::string latin1;
  for (const unsigned char c : data) {
    if (c < 0x80)
      latin1 += char(c);
    else
      latin1 += {char(0xc0 | c >> 6), char(0x80 | (c & 0x3f))};
  }
  mark();
  string(latin1);
  string("latin1");
  tuple();
  reduce();
}

void PickleWriter::global(const std::string& module, const std::string& name) {
  const std::string text = 'c' + module + '\n' + name + '\n';
  if (recall(text)) return;
  text_ += text;
  remember(text);
}

bool PickleWriter::recall(const std::string& what) {
  const auto found = memo_.find(what);
  if (found == memo_.end()) return false;
  recall(found->second);
  return true;
}

void PickleWriter::recall(uint32_t slot) {
  text_ += slot <= UINT8_MAX ? 'h' + little_endian(slot, 1) : 'j' + little_endian(slot, 4);
}

void PickleWriter::remember(const std::string& what) { memo_.emplace(what, remember()); }

uint32_t PickleWriter::remember() {
  const uint32_t slot = slots_++;
  text_ += slot <= UINT8_MAX ? 'q' + little_endian(slot, 1) : 'r' + little_endian(slot, 4);
  return slot;
}

std::string PickleWriter::finish() { return std::move(text_) + '.'; }

}  // namespace kiln::io
