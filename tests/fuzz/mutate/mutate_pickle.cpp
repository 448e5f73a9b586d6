#include <algorithm>
#include <limits>

#include <kiln/io/bytes/little_endian.h>

#include "fuzz/mutate/mutation.h"
#include "fuzz/mutate/pickle_ops.h"
#include "fuzz/mutate/pickle_words.h"

namespace kiln::fuzz {
namespace {

using namespace std::string_view_literals;

// One change of the opcodes; each method makes a kind of them.
class PickleMutator {
 public:
  PickleMutator(Ops* ops, Mutation& mutation)
      : ops_(*ops),
        map_(map_of(*ops)),
        mutation_(mutation),
        random_(mutation.random),
        words_(ops_, map_, mutation) {}

  void change() {
    static constexpr Kind kKinds[] = {
        {"opcode", &PickleMutator::opcode},
        {"run", &PickleMutator::run},
        {"value", &PickleMutator::value},
        {"value", &PickleMutator::value},
        {"key", &PickleMutator::key},
        {"key", &PickleMutator::key},
        {"attribute", &PickleMutator::attribute},
        {"attribute", &PickleMutator::attribute},
        {"put into", &PickleMutator::put_into},
        {"memo", &PickleMutator::memo},
        {"wrap", &PickleMutator::wrap},
        {"storage", &PickleMutator::storage},
        {"storage", &PickleMutator::storage},
        {"number", &PickleMutator::number},
        {"number", &PickleMutator::number},
        {"bytes", &PickleMutator::bytes},
        {"bytes", &PickleMutator::bytes},
        {"global", &PickleMutator::global},
        {"splice", &PickleMutator::splice},
        {"argument", &PickleMutator::argument},
        {"cycle", &PickleMutator::cycle},
        {"blind opcode", &PickleMutator::blind_opcode},
    };
    const Kind& kind = random_.of(kKinds);
    mutation_.did(kind.name);
    (this->*kind.change)();
  }

 private:
  struct Kind {
    std::string_view name;
    void (PickleMutator::*change)();
  };

  // Not the STOP.
  size_t any_op() { return random_.below(ops_.size() - 1); }
  Span any_value() { return map_.values.empty() ? Span{0, 0} : random_.of(map_.values); }
  void insert(size_t at, std::string op) { ops_.insert(ops_.begin() + ptrdiff_t(at), std::move(op)); }

  // What the memo loses with the opcodes is put again, as the value that is there now.
  void replace(Span span, std::string made) {
    uint32_t number = 0;
    for (size_t i = span.begin; i < span.end; ++i)
      if (is_put(ops_[i], &number)) made += put_op(number);
    ops_.erase(ops_.begin() + ptrdiff_t(span.begin), ops_.begin() + ptrdiff_t(span.end));
    insert(span.begin, std::move(made));
  }

  void opcode() {
    constexpr std::string_view kOps =
        "(.012NRQabd}elo]st)u\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98"sv;
    const size_t at = any_op();
    switch (random_.below(4)) {
      case 0:
        return insert(at, std::string(1, kOps[random_.below(kOps.size())]));
      case 1:
        ops_[at] = kOps[random_.below(kOps.size())];
        return;
      case 2:
        return std::swap(ops_[at], ops_[any_op()]);
      default:
        ops_.erase(ops_.begin() + ptrdiff_t(at));
    }
  }

  void run() {
    constexpr size_t kLongest = 12;
    const size_t begin = any_op(), count = std::min(1 + random_.below(kLongest), ops_.size() - 1 - begin);
    const auto from = ops_.begin() + ptrdiff_t(begin);
    const Ops copy(from, from + ptrdiff_t(count));
    if (random_.one_in(3)) {
      ops_.erase(from, from + ptrdiff_t(count));
      return;
    }
    ops_.insert(ops_.begin() + ptrdiff_t(random_.one_in(2) ? begin : any_op()), copy.begin(), copy.end());
  }

  void value() { replace(any_value(), words_.value(3)); }
  void key() { replace(map_.keys.empty() ? any_value() : random_.of(map_.keys), words_.key()); }
  // Of objects: those of others are refused at once.
  void attribute() {
    const bool is_wrong = map_.objects.empty() || random_.one_in(8);
    insert((is_wrong ? any_value() : random_.of(map_.objects)).end, words_.state() + "b");
  }
  void global() {
    for (int tries = 0; tries < 50; ++tries) {
      const size_t at = any_op();
      if (ops_[at][0] != 'c') continue;
      ops_[at] = words_.global();
      return;
    }
  }

  // Appended or assigned to what may take it, and to others.
  void put_into() {
    const std::string item = words_.value(2), pair = words_.key() + words_.value(2);
    const std::string forms[] = {item + "a", "(" + item + "e", pair + "s", "(" + pair + "u",
                                 "(" + item + "\x90"};
    const Span span = random_.one_in(2) && !map_.objects.empty() ? random_.of(map_.objects) : any_value();
    const char made_by = span.end == 0 ? '.' : ops_[span.end - 1][0];
    const size_t list = random_.below(2);
    if (random_.one_in(4)) return insert(span.end, random_.of(forms));
    insert(span.end, made_by == ']' ? forms[list] : made_by == '\x8f' ? forms[4] : forms[2 + list]);
  }

  void memo() {
    const Span span = any_value();
    if (random_.one_in(4)) return insert(span.end, put_op(uint32_t(random_.below(40))));
    replace(span, words_.recall());
  }

  // A container that holds itself.
  void cycle() {
    constexpr uint32_t kNumber = 1000;
    const std::string self = put_op(kNumber) + "("sv.data(), get = get_op(kNumber);
    const std::string forms[] = {"]" + self + get + "e", "}" + self + words_.key() + get + "u",
                                 "}" + self + get + "\x85" + words_.atom() + "u",
                                 "ccollections\nOrderedDict\n)R" + self + words_.atom() + get + "u",
                                 "c__main__\nA\n)\x81" + put_op(kNumber) + "}" + words_.atom() + get + "sb"};
    replace(any_value(), random_.of(forms));
  }

  void wrap() {
    const Span span = any_value();
    std::string inner;
    for (size_t i = span.begin; i < span.end; ++i) inner += ops_[i];
    std::string made = words_.wrapped(inner);
    ops_.erase(ops_.begin() + ptrdiff_t(span.begin), ops_.begin() + ptrdiff_t(span.end));
    insert(span.begin, std::move(made));
  }

  // A persistent id, or one part of it.
  void storage() {
    if (map_.persistent.empty()) return replace(any_value(), words_.storage());
    const Span span = random_.of(map_.persistent);
    if (random_.one_in(3)) return replace(span, words_.storage());
    const size_t at = span.begin + random_.below(span.end - span.begin);
    const char code = ops_[at][0];
    if (code == 'c') {
      ops_[at] = words_.global();
    } else if ("XU\x8c"sv.find(code) != std::string_view::npos) {
      ops_[at] = words_.text();
    } else if ("JKMI\x8a"sv.find(code) != std::string_view::npos) {
      ops_[at] = words_.number();
    } else {
      insert(at, words_.atom());
    }
  }

  void number() {
    for (int tries = 0; tries < 50; ++tries) {
      std::string& op = ops_[any_op()];
      if ("JKMIL\x8aGF\x88\x89"sv.find(op[0]) == std::string_view::npos) continue;
      if (op[0] == 'K' && random_.one_in(2)) {
        op[1] = char(op[1] + (random_.one_in(2) ? 1 : -1));
        return;
      }
      op = random_.one_in(5) ? words_.atom() : words_.number();
      return;
    }
  }

  // The argument that has a length, by bytes; the length is right.
  void bytes() {
    constexpr std::string_view kCounted = "XUTBC\x8a\x8b\x8c\x8d\x8e\x96";
    constexpr size_t kWidths[] = {4, 1, 4, 4, 1, 1, 4, 1, 8, 8, 8};
    for (int tries = 0; tries < 50; ++tries) {
      std::string& op = ops_[any_op()];
      const size_t kind = kCounted.find(op[0]);
      if (kind == kCounted.npos) continue;
      const size_t width = kWidths[kind];
      std::string content = mutation_.blindly(std::string_view(op).substr(1 + width));
      if (width == 1) content.resize(std::min<size_t>(content.size(), std::numeric_limits<uint8_t>::max()));
      op.resize(1);
      op += io::little_endian(content.size(), int(width));
      op += content;
      return;
    }
  }

  void blind_opcode() {
    std::string& op = ops_[any_op()];
    op = mutation_.blindly(op);
    if (op.empty()) op = "N";
  }

  // A value of this pickle or of another one, in the place of one of this.
  void splice() {
    Ops other;
    size_t consumed = 0;
    if (random_.one_in(2) || !split_pickle(mutation_.other(), &other, &consumed)) other = ops_;
    const PickleMap map = map_of(other);
    if (map.values.empty()) return;
    const Span from = random_.of(map.values);
    std::string copy;
    constexpr size_t kLongest = 4096;  // bytes
    for (size_t i = from.begin; i < from.end && copy.size() < kLongest; ++i) copy += other[i];
    replace(any_value(), copy);
  }

  // One more or one less before a tuple's end.
  void argument() {
    constexpr std::string_view kTuples = "t\x85\x86\x87";
    for (int tries = 0; tries < 50; ++tries) {
      const size_t at = any_op(), kind = kTuples.find(ops_[at][0]);
      if (kind == kTuples.npos) continue;
      const bool more = random_.one_in(2);
      if (kind > 0) {
        ops_[at] = more && kind < 3 ? kTuples[kind + 1] : !more && kind > 1 ? kTuples[kind - 1] : ')';
        if (!more || kind == 3) return insert(at, "0");
      } else if (!more) {
        return insert(at, "0");
      }
      return insert(at, words_.value(2));
    }
  }

  Ops& ops_;
  const PickleMap map_;
  Mutation& mutation_;
  Random& random_;
  PickleWords words_;
};

}  // namespace

int64_t odd_number(Random& random) {
  constexpr int64_t kOdd[] = {0,
                              1,
                              -1,
                              2,
                              127,
                              128,
                              255,
                              256,
                              65535,
                              int64_t(1) << 31,
                              -(int64_t(1) << 31),
                              (int64_t(1) << 32) - 1,
                              int64_t(1) << 53,
                              int64_t(1) << 60,
                              int64_t(1) << 62,
                              std::numeric_limits<int64_t>::max(),
                              std::numeric_limits<int64_t>::min()};
  return random.one_in(2) ? int64_t(random.below(20)) : random.of(kOdd);
}

std::string mutate_pickle(std::string_view bytes, Mutation& mutation) {
  Ops ops;
  size_t consumed = 0;
  if (!split_pickle(bytes, &ops, &consumed) || ops.size() < 2) return "";
  if (!mutation.random.one_in(4)) number_memo(&ops);
  PickleMutator(&ops, mutation).change();
  return join_pickle(ops) + std::string(bytes.substr(consumed));
}

}  // namespace kiln::fuzz
