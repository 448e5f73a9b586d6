#include "fuzz/mutate/pickle_ops.h"

#include <charconv>
#include <optional>

#include <kiln/io/bytes/little_endian.h>

namespace kiln::fuzz {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kAlone =
    "(.012NRQabd}elo]st)u\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98"sv;
constexpr std::string_view kLine = "FILPVSgp"sv, kTwoLines = "ci"sv;
constexpr std::string_view kByte = "Khq\x80\x82"sv, kTwo = "M\x83"sv, kFour = "Jjr\x84"sv, kEight = "G\x95"sv;
constexpr std::string_view kLength1 = "UC\x8a\x8c"sv, kLength4 = "TBX\x8b"sv, kLength8 = "\x8d\x8e\x96"sv;

constexpr char kMemoize = '\x94', kFrame = '\x95';

bool is_in(std::string_view set, char op) { return set.find(op) != set.npos; }

// Bytes of the argument of an opcode, whose first byte is at the front; nothing when it is cut short.
std::optional<size_t> argument_bytes(char op, std::string_view rest) {
  const auto lines = [&](int count) -> std::optional<size_t> {
    size_t at = 0;
    for (; count > 0; --count) {
      const size_t end = rest.find('\n', at);
      if (end == rest.npos) return {};
      at = end + 1;
    }
    return at;
  };
  const auto counted = [&](size_t width) -> std::optional<size_t> {
    if (rest.size() < width) return {};
    const uint64_t bytes = io::from_little_endian(rest, 0, width);
    if (bytes > rest.size() - width) return {};
    return width + size_t(bytes);
  };
  if (is_in(kAlone, op)) return 0;
  if (is_in(kByte, op)) return 1;
  if (is_in(kTwo, op)) return 2;
  if (is_in(kFour, op)) return 4;
  if (is_in(kEight, op)) return 8;
  if (is_in(kLine, op)) return lines(1);
  if (is_in(kTwoLines, op)) return lines(2);
  if (is_in(kLength1, op)) return counted(1);
  if (is_in(kLength4, op)) return counted(4);
  if (is_in(kLength8, op)) return counted(8);
  return {};
}

// Values on the stack, as where each begins; a mark is on a stack of its own.
class Machine {
 public:
  explicit Machine(PickleMap* map) : map_(map) {}

  void run(const std::string& op, size_t at) {
    const char code = op[0];
    uint32_t number = 0;
    if (is_put(op, &number)) map_->memo.push_back(number);
    if (code == '(') {
      marks_.push_back(stack_.size());
      mark_at_.push_back(at);
    } else if (is_in("\x85Q"sv, code)) {
      make(1, at);
    } else if (is_in("\x86R\x81\x93"sv, code)) {
      make(2, at);
    } else if (is_in("\x87\x92"sv, code)) {
      make(3, at);
    } else if (is_in("tldio\x91"sv, code)) {
      make_to_mark(code, at);
    } else if (is_in("ab0"sv, code)) {
      put_into(1, code == '0', at);
    } else if (code == 's') {
      if (stack_.size() >= 2) add(map_->keys, stack_.size() - 2, stack_.size() - 1);
      put_into(2, false, at);
    } else if (is_in("ue\x90"sv, code) || code == '1') {
      put_into(to_mark(code == 'u'), code == '1', at);
    } else if (is_in("pqr\x94"sv, code)) {
      if (!stack_.empty()) end(at + 1);
    } else if (!is_in("\x80\x95.\x97\x98"sv, code)) {
      push(at, at + 1);
    }
    if (code == 'Q' && !stack_.empty()) map_->persistent.push_back(stack_.back());
    if (is_in("R\x81\x92io"sv, code) && !stack_.empty()) map_->objects.push_back(stack_.back());
  }

 private:
  // The key between where one value and the next begin.
  void add(std::vector<Span>& to, size_t from, size_t until) {
    to.push_back({stack_[from].begin, stack_[until].begin});
  }
  void push(size_t begin, size_t end) {
    stack_.push_back({begin, end});
    map_->values.push_back({begin, end});
  }
  void end(size_t at) {
    stack_.back().end = at;
    map_->values.push_back(stack_.back());
  }
  void make(size_t count, size_t at) {
    if (stack_.size() < count) return;
    const size_t begin = stack_[stack_.size() - count].begin;
    stack_.resize(stack_.size() - count);
    push(begin, at + 1);
  }
  size_t to_mark(bool is_dict) {
    if (marks_.empty()) return 0;
    const size_t bottom = std::min(marks_.back(), stack_.size());
    if (is_dict)
      for (size_t i = bottom; i + 1 < stack_.size(); i += 2) add(map_->keys, i, i + 1);
    marks_.pop_back();
    mark_at_.pop_back();
    return stack_.size() - bottom;
  }
  void make_to_mark(char code, size_t at) {
    if (marks_.empty()) return;
    const size_t begin = mark_at_.back(), count = to_mark(code == 'd');
    stack_.resize(stack_.size() - count);
    push(begin, at + 1);
  }
  void put_into(size_t count, bool is_pop, size_t at) {
    stack_.resize(stack_.size() - std::min(count, stack_.size()));
    if (!is_pop && !stack_.empty()) end(at + 1);
  }

  PickleMap* map_;
  std::vector<Span> stack_;
  std::vector<size_t> marks_, mark_at_;
};

}  // namespace

bool split_pickle(std::string_view bytes, Ops* ops, size_t* consumed) {
  ops->clear();
  for (size_t at = 0; at < bytes.size();) {
    const std::optional<size_t> more = argument_bytes(bytes[at], bytes.substr(at + 1));
    if (!more || *more > bytes.size() - at - 1) return false;
    ops->emplace_back(bytes.substr(at, 1 + *more));
    at += 1 + *more;
    if (ops->back()[0] != '.') continue;
    *consumed = at;
    return true;
  }
  return false;
}

std::string join_pickle(const Ops& ops) {
  std::string bytes;
  std::vector<size_t> frames;
  for (const std::string& op : ops) {
    if (op[0] == kFrame) frames.push_back(bytes.size());
    bytes += op;
  }
  for (const size_t at : frames) {
    if (bytes.size() - at < 9) continue;
    const uint64_t most = bytes.size() - at - 9;
    if (io::from_little_endian(bytes, at + 1, 8) > most) bytes.replace(at + 1, 8, io::little_endian(most, 8));
  }
  return bytes;
}

void number_memo(Ops* ops) {
  uint32_t count = 0;
  for (std::string& op : *ops) {
    uint32_t number = 0;
    if (op[0] == kMemoize) op = put_op(count);
    if (is_put(op, &number)) ++count;
  }
}

PickleMap map_of(const Ops& ops) {
  PickleMap map;
  Machine machine(&map);
  for (size_t at = 0; at < ops.size(); ++at) machine.run(ops[at], at);
  return map;
}

std::string put_op(uint32_t number) { return "r" + io::little_endian(number, 4); }
std::string get_op(uint32_t number) { return "j" + io::little_endian(number, 4); }

bool is_put(std::string_view op, uint32_t* number) {
  if (op[0] == 'q' || op[0] == 'r') {
    *number = uint32_t(io::from_little_endian(op, 1, op.size() - 1));
    return true;
  }
  if (op[0] != 'p') return false;
  const auto [end, error] = std::from_chars(op.data() + 1, op.data() + op.size(), *number);
  return error == std::errc() && *end == '\n';
}

}  // namespace kiln::fuzz
