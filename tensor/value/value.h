#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kiln/tensor/tensor.h>

namespace kiln {

class StateDict;

// A tree of plain data, the shape of every checkpoint: none, bool, int, float, string, bytes, tensor, list,
// tuple, and a dict that keeps its order and whose keys are strings, ints, or what else Python takes for one
// (Key). Copies are deep, except that a tensor is a handle and shares its memory; they cost nothing until one
// of the two is changed. Files of other programs may also give an object: an instance of a class that is only
// known by name, with its attributes (docs/files.md).
//
//     Value checkpoint = {{"model", model.state_dict()}, {"epoch", 7}, {"betas", Value::tuple({0.9, 0.999})}};
//     checkpoint["best"] = 0.92;
//     const int64_t epoch = checkpoint.at("epoch").as_int();
//     if (const Value* step = checkpoint.find("optimizer/state/0/step")) resume_at(step->as_int());
//
// Of a temporary, what would refer to its parts gives the parts themselves, so this is safe:
//
//     for (const auto& [key, value] : io::load(path).at("optimizer").entries()) use(value);
class Value {
 public:
  enum class Kind : uint8_t {
    none,
    boolean,
    integer,
    real,
    string,
    bytes,
    tensor,
    list,
    tuple,
    dict,
    object
  };
  class Key;
  struct Entry;
  struct Bytes {
    std::string data;
  };

  Value() = default;
  Value(std::nullptr_t) {}
  template <class T>
  requires std::is_arithmetic_v<T> Value(T value) {
    if constexpr (std::is_same_v<T, bool>)
      set(value);
    else if constexpr (std::is_floating_point_v<T>)
      set(double(value));
    else
      set(checked(value < 0, uint64_t(value)));
  }
  Value(const char* text) : Value(std::string_view(text)) {}
  Value(std::string_view text);
  Value(std::string text);
  Value(Bytes bytes);
  // An undefined tensor is none.
  Value(Tensor tensor);
  Value(const StateDict& state);
  // A dict. Throws when a key comes twice.
  Value(std::initializer_list<Entry> entries);
  static Value list(std::vector<Value> items = {});
  static Value tuple(std::vector<Value> items = {});
  static Value dict();
  static Value dict(std::vector<Entry> entries);
  // The same for keys that are known to differ, which it does not look at.
  static Value dict_of_different(std::vector<Entry> entries);
  // `type` is the full name of the class: "models.Net". Throws when a key comes twice.
  static Value object(std::string type, std::vector<Entry> entries);

  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(Value other) noexcept;
  ~Value();

  Kind kind() const { return kind_; }
  bool is_none() const { return kind_ == Kind::none; }
  bool is_bool() const { return kind_ == Kind::boolean; }
  bool is_int() const { return kind_ == Kind::integer; }
  bool is_float() const { return kind_ == Kind::real; }
  bool is_string() const { return kind_ == Kind::string; }
  bool is_bytes() const { return kind_ == Kind::bytes; }
  bool is_tensor() const { return kind_ == Kind::tensor; }
  bool is_list() const { return kind_ == Kind::list; }
  bool is_tuple() const { return kind_ == Kind::tuple; }
  bool is_dict() const { return kind_ == Kind::dict; }
  bool is_object() const { return kind_ == Kind::object; }

  // The content. Each throws, naming both kinds, when the value is of another kind; as_float takes an int
  // too.
  bool as_bool() const;
  int64_t as_int() const;
  double as_float() const;
  const std::string& as_string() const&;
  std::string as_string() &&;
  const std::string& as_bytes() const&;
  std::string as_bytes() &&;
  const Tensor& as_tensor() const&;
  Tensor as_tensor() &&;
  // All tensors in it, itself included, in their order: of an entry those in its key first, at the end those
  // in the attributes.
  std::vector<const Tensor*> tensors() const&;
  std::vector<Tensor*> tensors() &;
  std::vector<Tensor*> tensors() && = delete;
  // The class of an object.
  const std::string& type() const&;
  std::string type() &&;
  // A dict of tensors with string keys, or an object that has only tensors (a whole module).
  StateDict as_state_dict() const;
  // The elements of a list or tuple.
  const std::vector<Value>& items() const&;
  std::vector<Value>& items() &;
  std::vector<Value> items() &&;
  // The pairs of a dict or object: for (const auto& [key, value] : v.entries()). Values may be changed, keys
  // must stay unique.
  const std::vector<Entry>& entries() const&;
  std::vector<Entry>& entries() &;
  std::vector<Entry> entries() &&;

  // What hangs on a tensor, list, tuple, dict or object beside its elements: the scales of a quantised
  // parameter, the "_metadata" of a state dict. A dict; an object where the tensor or list was of a class of
  // its own, which is named; none where there is nothing. Of a whole module, "__dict__" has what holds data
  // beside its state dict; of a safetensors file, "__metadata__" its strings. Comparison and walks leave
  // these three out.
  const Value& attributes() const&;
  Value attributes() &&;
  void set_attributes(Value attributes);

  // Elements of a list, tuple, dict or object; throws for others.
  size_t size() const;

  // The value of a dict's or object's key or of a list's index. Only on a non-const dict a missing key is
  // appended (as none), and none becomes a dict; else it throws.
  Value& operator[](const Key& key) &;
  const Value& operator[](const Key& key) const&;
  Value operator[](const Key& key) &&;
  // Appends to a list or tuple.
  void push_back(Value value);
  // Takes a key out of a dict; false when there was none.
  bool erase(const Key& key);

  // Walks a path of keys and indices, as ValueWalk spells them (value_walk.h): "optimizer/param_groups/0/lr",
  // "weight/@scales" for an attribute. find gives null when the way ends, at throws "value: there is no 'lr'
  // in 'optimizer/param_groups/0', which has 'betas', 'eps'".
  const Value* find(std::string_view path) const&;
  Value* find(std::string_view path) &;
  Value* find(std::string_view path) && = delete;
  const Value& at(std::string_view path) const&;
  Value& at(std::string_view path) &;
  Value at(std::string_view path) &&;
  bool contains(std::string_view path) const { return find(path) != nullptr; }

  // Same kinds and contents, keys and attributes too, dicts in the same order. NaN equals NaN; tensors are
  // equal when dtype, shape and the bits of the elements are.
  bool operator==(const Value& other) const;

 private:
  friend class ValueAccess;
  struct Box;
  struct Text;
  struct Held;
  struct Items;
  struct Fields;
  // Shared by copies, until one of them gives out a reference by which it could be changed.
  union Payload {
    bool boolean;
    int64_t integer;
    double real;
    Box* box;
    Text* text;
    Held* held;
    Items* items;
    Fields* fields;
  };

  void set(bool value) { payload_.boolean = value, kind_ = Kind::boolean; }
  void set(int64_t value) { payload_.integer = value, kind_ = Kind::integer; }
  void set(double value) { payload_.real = value, kind_ = Kind::real; }
  static int64_t checked(bool negative, uint64_t bits);
  void expect(Kind kind) const;
  bool is_container() const { return kind_ >= Kind::list; }
  bool is_boxed() const { return kind_ >= Kind::string; }
  bool equals_leaf(const Value& other) const;
  using Pairs = std::vector<std::pair<const Value*, const Value*>>;
  static bool pair_up(const std::vector<const Entry*>& a, const std::vector<const Entry*>& b, Pairs& pending);
  bool share(const Value& other);
  void copy_without_children(const Value& other);
  void unshare();
  void own();
  void free(std::vector<Value>& pending);
  template <class F>
  void each_child(F&& f) const;
  Value* attributes_place() const;
  const Value* child(const Key& key) const;
  [[noreturn]] void lacks(std::string_view path) const;

  Payload payload_ = {};
  Kind kind_ = Kind::none;
};

// A dict's key or a list's index: a string, an int, or any other value that Python takes for a key: a bool,
// float, none, bytes, tuple, tensor, an object. Keys are the same when Python holds them to be: 1, 1.0 and
// true are; tensors and objects are only the same as themselves (and as their copies).
class Value::Key {
 public:
  Key(const char* text) : text_(text), is_text_(true) {}
  Key(std::string_view text) : text_(text), is_text_(true) {}
  Key(std::string text) : text_(static_cast<std::string&&>(text)), is_text_(true) {}
  template <class T>
  requires std::is_integral_v<T> Key(T number) {
    if constexpr (std::is_same_v<T, bool>)
      value_ = number;
    else
      set(number < 0, uint64_t(number));
  }
  // Strings become text keys, all else stays what it is.
  explicit Key(Value value);

  bool is_text() const { return is_text_; }
  bool is_int() const { return value_.is_int(); }
  // The int; throws for others, as also for one of more than 64 bits.
  int64_t number() const { return value_.as_int(); }
  // The string; throws for others.
  const std::string& text() const {
    if (!is_text_) is_no_text();
    return text_;
  }
  // Any key as a value.
  Value value() const { return is_text_ ? Value(text_) : value_; }
  bool operator==(const Key& other) const;
  // Of keys that are the same.
  size_t hash() const;

 private:
  friend class Value;
  friend class ValueAccess;
  void set(bool negative, uint64_t bits);
  [[noreturn]] void is_no_text() const;

  std::string text_;
  Value value_;
  bool is_text_ = false;
};

struct Value::Entry {
  Key key;
  Value value;
};

// "int", "dict", ...: Python's words.
const char* name_of(Value::Kind kind);

// As Python writes them: "7", "epoch", "2.5", "None", "True", "b'x'", "(1, \"a\")"; "tensor", and an object's
// class.
std::string to_string(const Value::Key& key);

// The tree, one line an entry: scalars in full, tensors as dtype and shape. Below 100 levels only the sizes
// of containers. No newline at the end.
std::string to_string(const Value& value);

}  // namespace kiln
