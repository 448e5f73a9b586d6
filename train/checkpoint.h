#pragma once

#include <string>
#include <utility>
#include <vector>

#include <kiln/tensor/base/function.h>
#include <kiln/tensor/random.h>
#include <kiln/tensor/value/value.h>

namespace kiln {
namespace nn {
class Module;
}

namespace train {

// What a run needs to go on exactly where it stopped, under one name each, in one file:
//
//     train::Checkpoint checkpoint("run/checkpoint.kiln");
//     checkpoint.add("model", net).add("optimizer", optimizer).add("loader", loader);
//     checkpoint.add("epoch", epoch).add("best", best);
//     if (checkpoint.exists()) checkpoint.load();
//     for (; epoch < 90; ++epoch) {
//       train_an_epoch();
//       checkpoint.save();
//     }
//
// The objects are held by reference and must outlive it. Models, anything with state_dict() and
// load_state_dict(Value), generators, tensors, numbers, strings, Values and lists of numbers can be added. A
// number must hold what was saved: 300 is no uint8_t. A tensor is copied into, and keeps shape, dtype and
// device; an undefined one becomes what was saved.
class Checkpoint {
 public:
  explicit Checkpoint(std::string path) : path_(std::move(path)) {}

  Checkpoint& add(const std::string& name, nn::Module& model);
  Checkpoint& add(const std::string& name, Generator& generator);
  Checkpoint& add(const std::string& name, std::vector<double>& list);
  Checkpoint& add(const std::string& name, Value& value);
  Checkpoint& add(const std::string& name, std::string& text);
  Checkpoint& add(const std::string& name, Tensor& tensor);
  template <class T>
  requires requires(T& object, const Value& state) {
    Value(object.state_dict());
    object.load_state_dict(state);
  }
  Checkpoint& add(const std::string& name, T& object) {
    return add(
        name, [&object] { return Value(object.state_dict()); },
        [&object](const Value& state) { object.load_state_dict(state); });
  }
  template <class T>
  requires std::is_arithmetic_v<T> Checkpoint& add(const std::string& name, T& number) {
    return add_checked(
        name, [&number] { return Value(number); }, [](const Value& value) { number_in<T>(value); },
        [&number](const Value& value) { number = number_in<T>(value); });
  }
  // Anything else, by two functions.
  Checkpoint& add(const std::string& name, Function<Value()> save, Function<void(const Value&)> load);

  const std::string& path() const { return path_; }
  bool exists() const;

  // What save() writes, and the way back; `where` begins the message of an Error.
  Value state() const;
  void restore(const Value& state, const std::string& where) const;

  // Writes the file: whole, or, on an Error, not at all; folders on the way are made.
  void save() const;
  // Reads everything back, in the order of adding. Throws an Error that names the file and the entry when one
  // is missing or does not fit; then nothing is changed: what was there is kept in host memory meanwhile.
  void load() const;

 private:
  struct Entry {
    std::string name;
    Function<Value()> save;
    Function<void(const Value&)> check;  // throws when `load` will; may be empty
    Function<void(const Value&)> load;
    bool keeps_handles = false;  // `load` replaces tensors and writes into none
  };

  template <class T>
  static T number_in(const Value& value) {
    if constexpr (std::is_same_v<T, bool>) {
      return value.as_bool();
    } else if constexpr (std::is_floating_point_v<T>) {
      const double number = value.as_float();
      if (number - number == 0 && double(T(number)) - number != 0 && T(number) - T(number) != 0)
        does_not_hold(number);  // finite, and no more
      return T(number);
    } else {
      const int64_t number = value.as_int();
      if (int64_t(T(number)) != number || (std::is_unsigned_v<T> && number < 0)) does_not_hold(number);
      return T(number);
    }
  }
  [[noreturn]] static void does_not_hold(int64_t number);
  [[noreturn]] static void does_not_hold(double number);
  Checkpoint& add_checked(const std::string& name, Function<Value()> save, Function<void(const Value&)> check,
                          Function<void(const Value&)> load);
  void load_all(const Value& state, const std::string& where) const;

  std::string path_;
  std::vector<Entry> entries_;
};

}  // namespace train
}  // namespace kiln
