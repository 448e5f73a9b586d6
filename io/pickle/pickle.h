#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <kiln/tensor/cpu/allocator.h>

// Internal.

namespace kiln::io {

// As LoadLimits has them (load.h); bytes (not texts) are data and count for neither of the two sizes.
struct PickleLimits {
  int64_t bytes = 256 << 20;
  int64_t opcodes = 50'000'000;
  int64_t nodes = 10'000'000;
  int64_t string_bytes = 64 << 20;
};

// The objects of a Python pickle, as a graph: what is referred to twice is one node, and cycles are legal.
// Nothing is ever called: a class or function is a `global` node, calling it makes an `object` node that
// holds its arguments.
class PickleGraph {
 public:
  using Id = uint32_t;
  static constexpr Id kNothing = UINT32_MAX;
  enum class Kind : uint8_t {
    none,
    boolean,
    integer,
    big_integer,  // beyond 64 bits
    real,
    text,  // UTF-8, in which surrogates may occur
    bytes,
    byte_string,  // a str of Python 2: text or bytes
    tuple,
    list,
    dict,
    set,
    frozen_set,
    global,
    object,
    persistent,  // a reference to something outside of the pickle
  };
  // A callable with the arguments it was given, the state that BUILD gave, and what was appended or assigned
  // to it.
  struct Object {
    Id callable = kNothing;         // a global, an object or a persistent
    Id arguments = kNothing;        // a tuple
    Id named_arguments = kNothing;  // a dict or kNothing
    Id state = kNothing;            // kNothing: no BUILD
    std::vector<Id> items, pairs;
  };

  PickleGraph() = default;
  PickleGraph(PickleGraph&&) noexcept = default;
  PickleGraph& operator=(PickleGraph&&) noexcept = default;

  Id root() const { return root_; }
  // Bytes of the input up to and with STOP.
  size_t consumed() const { return consumed_; }
  size_t size() const { return nodes_.size(); }

  // Each of these throws when the node is of another kind.
  Kind kind(Id id) const { return node(id).kind; }
  int64_t integer(Id id) const;        // also of a boolean
  double real(Id id) const;            // also of an integer
  std::string_view text(Id id) const;  // text, bytes, byte_string; the little-endian bytes of a big_integer
  std::span<const Id> items(Id id) const {  // of a tuple, list or set
    const Node& found = node(id);
    if (found.kind == Kind::tuple) return {items_.data() + found.box, size_t(found.integer)};
    return growing_items(id);
  }
  std::span<const Id> pairs(Id id) const;  // of a dict: key, value, key, value, ...; keys may repeat
  const Object& object(Id id) const;
  Id persistent(Id id) const;
  // "collections.OrderedDict"
  std::string global(Id id) const;
  std::string_view global_module(Id id) const;
  std::string_view global_name(Id id) const;
  bool is_global(Id id, std::string_view module, std::string_view name) const;

  bool is_text(Id id) const { return kind(id) >= Kind::text && kind(id) <= Kind::byte_string; }
  // Calls f for each node that a node refers to.
  template <class F>
  void each_reference(Id id, F&& f) const {
    const Kind k = kind(id);
    if (k == Kind::persistent) return f(persistent(id));
    if (k == Kind::dict) return each(pairs(id), f);
    if (k >= Kind::tuple && k <= Kind::frozen_set) return each(items(id), f);
    if (k != Kind::object) return;
    const Object& made = object(id);
    for (const Id part : {made.callable, made.arguments, made.named_arguments, made.state})
      if (part != kNothing) f(part);
    each(made.items, f);
    each(made.pairs, f);
  }

  // The value of a dict's key that is text or bytes, the last one where it repeats; kNothing when there is
  // none.
  Id find(Id dict, std::string_view key) const;

 private:
  friend class PickleMachine;
  template <class F>
  static void each(std::span<const Id> ids, F&& f) {
    for (const Id id : ids) f(id);
  }
  struct Node {
    Kind kind = Kind::none;
    // In lists_, globals_ or objects_; of a tuple, its first item in items_; of a persistent, the node it
    // refers by.
    uint32_t box = 0;
    union {
      int64_t integer = 0;  // of a tuple, the number of its items
      double real;
    };
    std::string_view text;
  };
  struct Global {
    std::string_view module, name;
  };

  const Node& node(Id id) const {
    if (id >= nodes_.size()) lacks_value();
    return nodes_[id];
  }
  std::span<const Id> growing_items(Id id) const;
  [[noreturn]] void lacks_value() const;
  [[noreturn]] void wrong_kind(Id id, const char* wanted) const;

  host::Vector<Node> nodes_;
  host::Vector<Id> items_;  // of the tuples, which never grow
  std::vector<std::vector<Id>> lists_;
  std::vector<Global> globals_;
  host::Vector<Object> objects_;
  std::deque<std::string> decoded_;  // strings that are not in the input as they are
  std::string origin_;
  Id root_ = kNothing;
  size_t consumed_ = 0;
};

// Python's name for it: "dict", "str", ...
const char* name_of(PickleGraph::Kind kind);

// Reads one pickle of protocol 0 to 5 from the front of `input`, which must outlive the graph: strings stay
// where they are. Needs memory in proportion to the input, and no recursion. Throws an Error "ORIGIN: pickle,
// byte 17: ..." for what is not a pickle, is cut short or goes beyond the limits. (The protocols: PEP 307,
// PEP 3154, PEP 574, and Python's pickletools.)
PickleGraph parse_pickle(std::string_view input, std::string origin, const PickleLimits& limits = {});

}  // namespace kiln::io
