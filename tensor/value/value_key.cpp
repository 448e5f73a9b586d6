#include <bit>
#include <cmath>
#include <utility>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/name_index.h>
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

// Knuth's multiplicative hash
size_t hash_of(uint64_t number) { return size_t(number * 0x9E3779B97F4A7C15u >> 20); }

size_t hash_of_leaf(const Value& value) {
  int64_t whole = 0;
  if (is_number(value))
    return hash_of(as_whole(value, &whole) ? uint64_t(whole) : std::bit_cast<uint64_t>(as_real(value)));
  const size_t salt = hash_of(uint64_t(value.kind()) + 1);
  if (value.is_string()) return NameIndex::hash(value.as_string()) ^ salt;
  if (value.is_bytes()) return NameIndex::hash(value.as_bytes()) ^ salt;
  if (value.is_tensor())
    return hash_of(uint64_t(reinterpret_cast<uintptr_t>(value.as_tensor().impl().get())));
  if (is_big_int(value)) return NameIndex::hash(value.entries()[0].value.as_bytes()) ^ salt;
  if (is_sequence(value)) return salt + value.size();  // of one within another
  return value.is_none() ? salt : hash_of(uint64_t(reinterpret_cast<uintptr_t>(ValueAccess::box_of(value))));
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

size_t Value::Key::hash() const {
  if (is_text_) return NameIndex::hash(text_);
  if (!is_sequence(value_)) return hash_of_leaf(value_);
  size_t hash = hash_of_leaf(value_);
  for (const Value& item : value_.items()) hash = hash * 31 + hash_of_leaf(item);
  return hash;
}

}  // namespace kiln
