#include <kiln/metrics/exact_sum.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <kiln/metrics/state.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::metrics {
namespace {

constexpr int kWordBits = 32, kLowest = -1074;  // the least double is 2^-1074
constexpr int64_t kBase = int64_t(1) << kWordBits;
constexpr int kMostPending = 1 << 29;  // additions that a word of 64 bits holds before carries
constexpr int kMostWords = 70;         // 2100 bits, and room for 2^60 of the largest double
constexpr int kInfinity = 1, kMinusInfinity = 2, kNan = 4;

// Nonnegative, of digits of 32 bits; digit i counts 2^(32 (first + i) - 1074).
double rounded(const std::vector<uint32_t>& digits, int first) {
  int top = int(digits.size()) - 1;
  while (top >= 0 && digits[size_t(top)] == 0) --top;
  if (top < 0) return 0;
  const auto bit = [&](int at) {
    return at >= 0 && (digits[size_t(at) / kWordBits] >> (at % kWordBits) & 1);
  };
  const int highest = top * kWordBits + std::bit_width(digits[size_t(top)]) - 1;
  const int lowest = highest - 52;  // below it the mantissa ends
  uint64_t mantissa = 0;
  for (int at = highest; at >= lowest; --at) mantissa = mantissa << 1 | uint64_t(bit(at));
  bool sticky = false;
  for (int at = lowest - 2; at >= 0 && !sticky; --at) sticky = bit(at);
  if (bit(lowest - 1) && (sticky || (mantissa & 1))) ++mantissa;
  return std::ldexp(double(mantissa), lowest + first * kWordBits + kLowest);
}

}  // namespace

void ExactSum::add(double x) {
  const auto bits = std::bit_cast<uint64_t>(x);
  const int exponent = int(bits >> 52 & 0x7FF);
  const uint64_t fraction = bits & ((uint64_t(1) << 52) - 1);
  const bool negative = bits >> 63;
  if (exponent == 0x7FF) {
    special_ |= fraction != 0 ? kNan : negative ? kMinusInfinity : kInfinity;
    return;
  }
  const uint64_t mantissa = exponent == 0 ? fraction : fraction | uint64_t(1) << 52;
  if (mantissa != 0) add_bits(mantissa, exponent == 0 ? 0 : exponent - 1, negative);
}

void ExactSum::add_product(double a, double b) {
  const double product = a * b;
  add(product);
  if (std::isfinite(product)) add(std::fma(a, b, -product));
}

// `bits` of 53 bits times 2^(at - 1074).
void ExactSum::add_bits(uint64_t bits, int at, bool negative) {
  const int word = at / kWordBits, shift = at % kWordBits;
  make_room(word);
  make_room(word + 2);
  __extension__ using Wide = unsigned __int128;
  const Wide shifted = Wide(bits) << shift;
  int64_t* to = words_.data() + (word - first_);
  const auto low = int64_t(uint32_t(shifted)), middle = int64_t(uint32_t(shifted >> 32)),
             high = int64_t(shifted >> 64);
  to[0] += negative ? -low : low;
  to[1] += negative ? -middle : middle;
  to[2] += negative ? -high : high;
  if (++pending_ == kMostPending) carry();
}

void ExactSum::make_room(int word) {
  if (words_.empty()) first_ = word;
  if (word < first_) {
    words_.insert(words_.begin(), size_t(first_ - word), 0);
    first_ = word;
  }
  if (word >= first_ + int(words_.size())) words_.resize(size_t(word - first_) + 1, 0);
}

// Words of 0 .. 2^32 - 1 but for the last, which has the sign; as few as that takes.
void ExactSum::carry() {
  pending_ = 0;
  int64_t carried = 0;
  for (size_t i = 0; i < words_.size(); ++i) {
    const int64_t sum = words_[i] + carried;
    carried = sum >> kWordBits;
    words_[i] = sum - carried * kBase;
  }
  if (!words_.empty()) words_.push_back(carried);
  while (words_.size() > 1 && (words_.back() == 0 || words_.back() == -1)) {
    const int64_t top = words_.back();
    words_.pop_back();
    words_.back() += top * kBase;
  }
  size_t zeros = 0;
  while (zeros < words_.size() && words_[zeros] == 0) ++zeros;
  words_.erase(words_.begin(), words_.begin() + std::ptrdiff_t(zeros));
  first_ = words_.empty() ? 0 : first_ + int(zeros);
}

void ExactSum::merge(const ExactSum& other) {
  special_ |= other.special_;
  if (other.words_.empty()) return;
  ExactSum from = other;
  from.carry();
  carry();
  if (from.words_.empty()) return;
  make_room(from.first_);
  make_room(from.first_ + int(from.words_.size()) - 1);
  for (size_t i = 0; i < from.words_.size(); ++i) words_[size_t(from.first_ - first_) + i] += from.words_[i];
  carry();
}

double ExactSum::value() const {
  if (special_ == kInfinity) return std::numeric_limits<double>::infinity();
  if (special_ == kMinusInfinity) return -std::numeric_limits<double>::infinity();
  if (special_ != 0) return std::numeric_limits<double>::quiet_NaN();
  ExactSum sum = *this;
  sum.carry();
  if (sum.words_.empty()) return 0;
  const bool negative = sum.words_.back() < 0;
  if (negative) {
    for (int64_t& word : sum.words_) word = -word;
    sum.carry();
  }
  std::vector<uint32_t> digits;
  for (const int64_t word : sum.words_) digits.push_back(uint32_t(word));
  digits.push_back(uint32_t(sum.words_.back() >> kWordBits));  // the last may have more than 32 bits
  const double size = rounded(digits, sum.first_);
  return negative ? -size : size;
}

double ExactSum::rest() const {
  const double nearest = value();
  if (!std::isfinite(nearest)) return 0;
  ExactSum left = *this;
  left.add(-nearest);
  return left.value();
}

Value ExactSum::state() const {
  ExactSum sum = *this;
  sum.carry();
  return {{"words", from_host(sum.words_, {int64_t(sum.words_.size())})},
          {"first", sum.first_},
          {"special", sum.special_}};
}

ExactSum ExactSum::from_state(const Value& state) {
  ExactSum sum;
  sum.words_ = state.at("words").as_tensor().to_vector<int64_t>();
  const int64_t first = state.at("first").as_int(), special = state.at("special").as_int();
  bool good =
      sum.words_.size() <= kMostWords && first >= 0 && first < kMostWords && special >= 0 && special < 8;
  for (const int64_t word : sum.words_) good = good && word > -(kBase << 29) && word < kBase << 29;
  if (!good) fail("metrics: the state of a sum is damaged: {} words from {} on", sum.words_.size(), first);
  sum.first_ = int(first);
  sum.special_ = int(special);
  sum.carry();
  return sum;
}

}  // namespace kiln::metrics
