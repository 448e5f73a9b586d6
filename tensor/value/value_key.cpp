#include <atomic>
#include <bit>
#include <cmath>
#include <utility>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>
#include <kiln/tensor/value/value_box.h>

namespace kiln {
namespace {

bool is_number(const Value& value) { return value.is_bool() || value.is_int() || value.is_float(); }

double as_real(const Value& value) { return value.is_bool() ? double(value.as_bool()) : value.as_float(); }

// Of a bool, an int, and a float that is one.
bool as_whole(const Value& value, int64_t* whole) {
  if (value.is_bool()) return *whole = value.as_bool(), true;
  if (value.is_int()) return *whole = value.as_int(), true;
  constexpr double kEnd = 9223372036854775808.0;  // 2^63
  const double real = value.as_float();
  if (!(real >= -kEnd && real < kEnd) || real != std::floor(real)) return false;
  return *whole = int64_t(real), true;
}

// An int of more than 64 bits: two's complement, without bytes that only repeat the sign.
bool is_big_int(const Value& value) {
  return value.is_object() && value.type() == "builtins.int" && value.size() == 1 &&
         value.entries()[0].value.is_bytes();
}

bool is_sequence(const Value& value) { return value.is_tuple() || value.is_list(); }

// Of values that are neither tuples nor lists.
bool same_leaf(const Value& a, const Value& b) {
  if (is_number(a) && is_number(b)) {
    int64_t x = 0, y = 0;
    const bool whole = as_whole(a, &x);
    return whole == as_whole(b, &y) && (whole ? x == y : as_real(a) == as_real(b));
  }
  if (a.kind() != b.kind()) return false;
  if (a.is_tensor()) return a.as_tensor().impl() == b.as_tensor().impl();
  if (a.kind() < Value::Kind::tensor) return a == b;
  if (is_big_int(a) && is_big_int(b)) return a == b;
  return ValueAccess::box_of(a) == ValueAccess::box_of(b);
}

// A stack instead of recursion: keys of users may be nested as they like.
bool same(const Value& first, const Value& second) {
  std::vector<std::pair<const Value*, const Value*>> pending = {{&first, &second}};
  while (!pending.empty()) {
    const auto [a, b] = pending.back();
    pending.pop_back();
    if (!is_sequence(*a) || !is_sequence(*b)) {
      if (!same_leaf(*a, *b)) return false;
      continue;
    }
    if (a->kind() != b->kind() || a->size() != b->size()) return false;
    for (size_t i = 0; i < a->size(); ++i) pending.emplace_back(&a->items()[i], &b->items()[i]);
  }
  return true;
}

uint64_t hash_of_address(uint64_t kind, const void* address) {
  return seeded_hash(kind, uint64_t(reinterpret_cast<uintptr_t>(address)));
}

// A NaN equals nothing and is never found, so each time it hashes as another: many of them do not meet.
uint64_t hash_of_nan() {
  static std::atomic<uint64_t> count = 0;
  return seeded_hash(uint64_t(Value::Kind::real), count.fetch_add(1, std::memory_order_relaxed));
}

// All numbers are of one kind here: 1, 1.0 and true are the same.
uint64_t hash_of_number(const Value& value) {
  int64_t whole = 0;
  if (as_whole(value, &whole)) return seeded_hash(uint64_t(Value::Kind::integer), uint64_t(whole));
  const double real = as_real(value);
  return std::isnan(real) ? hash_of_nan()
                          : seeded_hash(uint64_t(Value::Kind::real), std::bit_cast<uint64_t>(real));
}

uint64_t hash_of_leaf(const Value& value) {
  if (is_number(value)) return hash_of_number(value);
  const uint64_t kind = uint64_t(value.kind());
  if (value.is_none()) return seeded_hash(kind, 0);
  if (value.is_string()) return seeded_hash(value.as_string());
  if (value.is_bytes()) return seeded_hash(kind, seeded_hash(value.as_bytes()));
  if (value.is_tensor()) return hash_of_address(kind, value.as_tensor().impl().get());
  if (is_big_int(value)) return seeded_hash(kind, seeded_hash(value.entries()[0].value.as_bytes()));
  return hash_of_address(kind, ValueAccess::box_of(value));
}

// Of all that is in it, each sequence as its kind and size and then its items. Without recursion.
uint64_t hash_of(const Value& value) {
  if (!is_sequence(value)) return hash_of_leaf(value);
  uint64_t hash = 0;
  std::vector<const Value*> pending = {&value};
  while (!pending.empty()) {
    const Value& next = *pending.back();
    pending.pop_back();
    if (!is_sequence(next)) {
      hash = seeded_hash(hash, hash_of_leaf(next));
      continue;
    }
    hash = seeded_hash(hash, seeded_hash(uint64_t(next.kind()), next.size()));
    for (const Value& item : next.items()) pending.push_back(&item);
  }
  return hash;
}

}  // namespace

Value::Key::Key(Value value) : is_text_(value.is_string()) {
  if (is_text_)
    text_ = std::move(value).as_string();
  else
    value_ = std::move(value);
}

void Value::Key::set(bool negative, uint64_t bits) {
  if (negative || bits <= uint64_t(INT64_MAX)) {
    value_ = int64_t(bits);
    return;
  }
  std::string bytes;
  for (int i = 0; i < 9; ++i) bytes += i < 8 ? char(bits >> (8 * i) & 0xFF) : '\0';
  value_ = Value::object("builtins.int", {{"little_endian", Bytes{std::move(bytes)}}});
}

void Value::Key::is_no_text() const {
  fail("value: a key that is a string was asked for, this is the {} {}", name_of(value_.kind()),
       to_string(*this));
}

bool Value::Key::operator==(const Key& other) const {
  if (is_text_ != other.is_text_) return false;
  return is_text_ ? text_ == other.text_ : same(value_, other.value_);
}

size_t Value::Key::hash() const { return is_text_ ? seeded_hash(text_) : hash_of(value_); }

}  // namespace kiln
