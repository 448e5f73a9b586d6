#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kiln/tensor/tensor.h>

namespace kiln {

class StateDict;

// A tree of plain data, the shape of every checkpoint: none, bool, int, float, string, bytes, tensor, list,
// tuple, and a dict that keeps its order and whose keys are strings or ints (as in Python). Copies are deep,
// except that a tensor is a handle and shares its memory. Files of other programs may also give an object: an
// instance of a class that is only known by name, with its attributes (docs/files.md).
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
  // All tensors in it, itself included, in their order.
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

  // What Python keeps on a dict beside its entries, as the "_metadata" of a state dict: a dict, or none. .pth
  // files have it; comparison and all other files leave it out.
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

  // Walks a path of keys and indices: "optimizer/param_groups/0/lr". A key that holds a '/' is found when the
  // rest of the path is that key. find gives null when the way ends, at throws "value: there is no 'lr' in
  // 'optimizer/param_groups/0', which has 'betas', 'eps'".
  const Value* find(std::string_view path) const&;
  Value* find(std::string_view path) &;
  Value* find(std::string_view path) && = delete;
  const Value& at(std::string_view path) const&;
  Value& at(std::string_view path) &;
  Value at(std::string_view path) &&;
  bool contains(std::string_view path) const { return find(path) != nullptr; }

  // Same kinds and contents, dicts in the same order. NaN equals NaN; tensors are equal when dtype, shape and
  // the bits of the elements are.
  bool operator==(const Value& other) const;

 private:
  struct Fields;
  union Payload {
    bool boolean;
    int64_t integer;
    double real;
    std::string* text;
    Tensor* tensor;
    std::vector<Value>* items;
    Fields* fields;
  };

  void set(bool value) { payload_.boolean = value, kind_ = Kind::boolean; }
  void set(int64_t value) { payload_.integer = value, kind_ = Kind::integer; }
  void set(double value) { payload_.real = value, kind_ = Kind::real; }
  static int64_t checked(bool negative, uint64_t bits);
  void expect(Kind kind) const;
  bool is_container() const { return kind_ >= Kind::list; }
  bool equals_leaf(const Value& other) const;
  void copy_without_children(const Value& other);
  void drop_children(std::vector<Value>& pending);
  const Value* child(const Key& key) const;
  const Value* step(std::string_view name) const;
  const Value* walk(std::string_view path, const Value** last, std::string_view* rest) const;

  Payload payload_ = {};
  Kind kind_ = Kind::none;
};

// A dict's key or a list's index.
class Value::Key {
 public:
  Key(const char* text) : text_(text) {}
  Key(std::string_view text) : text_(text) {}
  Key(std::string text) : text_(static_cast<std::string&&>(text)) {}
  template <class T>
  requires std::is_integral_v<T> Key(T number) : number_(int64_t(number)), is_int_(true) {}

  bool is_int() const { return is_int_; }
  int64_t number() const { return number_; }
  const std::string& text() const { return text_; }
  bool operator==(const Key&) const = default;

 private:
  std::string text_;
  int64_t number_ = 0;
  bool is_int_ = false;
};

struct Value::Entry {
  Key key;
  Value value;
};

// "int", "dict", ...: Python's words.
const char* name_of(Value::Kind kind);

// "7" or "epoch".
std::string to_string(const Value::Key& key);

// The tree, one line an entry: scalars in full, tensors as dtype and shape. Below 100 levels only the sizes
// of containers. No newline at the end.
std::string to_string(const Value& value);

}  // namespace kiln
