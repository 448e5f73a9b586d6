#pragma once

// Internal: from a pickle of PyTorch to the value tree.

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <kiln/io/bytes/outline.h>
#include <kiln/io/pickle/pickle.h>
#include <kiln/io/torch/torch_types.h>
#include <kiln/tensor/value/key_index.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {

// Values of one pickle, those counted again that are referred to again: who walks through them meets as many.
// A text of 64 bytes counts twice.
inline constexpr size_t kMostValues = 20'000'000;

// Elements that cost as much as a value.
inline constexpr size_t kElementsOfABudget = 4096;

struct TorchStorage {
  Ref<Storage> memory;
  const TorchType* type = nullptr;
};

// What a persistent id refers to: the part in which the containers differ.
class TorchStorages {
 public:
  virtual ~TorchStorages() = default;
  // The same memory for the same storage. Throws when there is none.
  virtual TorchStorage storage(const PickleGraph& graph, PickleGraph::Id reference) = 0;
  // Where a persistent id may also name a whole tensor: undefined when it does not.
  virtual Tensor tensor(const PickleGraph&, PickleGraph::Id) { return {}; }
};

// Builds the value of a graph. Nothing is called: a known global gives what its call would give, an unknown
// one an object. Throws for what is damaged, nested too deep, or grows beyond what the pickle's size allows.
// Containers within containers wait on a stack of their own, so that their depth costs none of the thread's;
// only keys, and what PyTorch's functions are given to make tensors of, recur, up to a fixed depth.
class TorchTree {
 public:
  TorchTree(const PickleGraph& graph, TorchStorages& storages, const ReadOptions& options, std::string where,
            int nesting = 0);

  Value read() { return value(graph_.root()); }

 private:
  using Id = PickleGraph::Id;
  using Ids = std::span<const Id>;
  using Kind = PickleGraph::Kind;
  // A value for a place in a container: the node, or the list of what was appended to it.
  struct Child {
    Id id;
    uint32_t place;
    bool is_attribute = false, is_appended = false;
  };
  // Keys, whose values come later. In one dict the last value of a key counts; where a key of one source was
  // in another before, it becomes "key#2", for neither may be lost.
  class Keys {
   public:
    std::vector<Value::Entry> entries;

    void begin_source() { begin_ = entries.size(); }
    uint32_t place_of(Value::Key key);

   private:
    struct Renamed {
      size_t place = 0, number = 1;
    };
    struct AllRenamed {
      std::unordered_map<std::string, Renamed, TextHash> last;
      std::unordered_set<size_t> places;
    };

    uint32_t place_of_another(const Value::Key& key);

    KeyIndex known_;
    size_t begin_ = 0;                     // of those that the source has
    std::unique_ptr<AllRenamed> renamed_;  // null: none is
  };
  // The entries and attributes of a dict or object to be.
  struct Fields {
    Keys own, attributes;
    std::vector<Child> children;

    void begin_source() {
      own.begin_source();
      attributes.begin_source();
    }
    void add(Value::Key key, Id id) { children.push_back({id, own.place_of(std::move(key))}); }
    void add_attribute(Value::Key key, Id id) {
      children.push_back({id, attributes.place_of(std::move(key)), true});
    }
  };
  // What becomes of the values of an open container: it itself, or the only one of them.
  enum class Then : uint8_t { list, tuple, dict, object, module, unwrap, unwrap_as_tuple };
  // A container that waits for its values.
  struct Open {
    Id id;  // kNothing: not a node of its own
    Then then = Then::list;
    std::string type;  // of an object
    Ids items;         // of a list or tuple, and their values
    std::vector<Value> values;
    Fields fields;
    size_t next = 0, size = 1;

    size_t count() const { return fields.children.empty() ? items.size() : fields.children.size(); }
    void put(Value child);
    Value take();
  };

  template <class... Args>
  [[noreturn]] void bad(const char* format, const Args&... args) const;
  [[noreturn]] void bad_sentence(const std::string& sentence) const;
  void spend(size_t amount);

  // The whole value; recurs.
  Value value(Id id);
  // Those that may be containers give their result, or nothing and put it on the stack of open ones.
  using Result = std::optional<Value>;
  Result begin(Id id);
  Result begin_next();
  void close(Id id, const Value& value);
  void remember(Id id, const Value& value);
  Result container(Id id);
  Result sequence(Kind kind, Ids items, Id id);
  Result dict(Ids pairs, Id id);
  Result fill(Then then, std::string type, Fields fields, Id id);
  Result object(Id id);
  Result opaque(const std::string& type, Id id);
  bool known_class(const std::string& name, Id id, Result* result);
  bool old_tensor(const std::string& name, Id id, Result* result);
  Value atom(Id id);
  Value persistent(Id id);
  Value::Key key(Id id);
  void add_pairs(Ids pairs, Fields& to);
  // Whether an object's state is its attributes: a dict, or (dict, dict of slots). And these dicts.
  bool has_dicts(Id state) const;
  std::vector<Id> dicts_of(Id state) const;
  // Whether it is one that only the class understands.
  bool is_odd(Id state) const;
  void add_attributes(Id state, Fields& to);
  std::vector<Value::Entry> read_attributes(Id state, const Value& before = {});
  // The class that a global, or a legacy ('module', class, ...) persistent id, is.
  const std::string& class_of(Id id);
  std::string find_class(Id id) const;
  // Key and value, alternating, of a dict or an OrderedDict in any of its forms.
  std::vector<Id> pairs_of(Id id) const;
  Result known_dict(const std::string& name, Id id);
  Result known_sequence(const std::string& name, Id id);
  Id attribute(Id state, std::string_view name) const;
  bool is_module(Id id);
  Id module_state(Id id) const;
  Result module(Id id);
  void add_members(Id module, const std::string& prefix, Fields& to);
  std::vector<Id> members(Id module, const char* list);
  std::unordered_set<std::string, TextHash> transient_buffers(Id module);
  bool holds_data(Id id);
  bool is_storage(Id id) const;

  // torch_tensors.cpp
  bool rebuild(const std::string& name, Ids arguments, Value* result);
  TorchStorage storage(Id id);
  TorchStorage storage_of_bytes(Id id);
  TorchStorage storage_of_list(const TorchType& type, Id list);
  Tensor tensor(const TorchStorage& storage, const TorchType& type, Id offset, Id size, Id stride);
  void make_bools(const Tensor& x, bool whole_storage);
  Tensor resolved(const Tensor& tensor, const TorchType& type, Id metadata);
  Tensor unpacked(const Ref<Storage>& packed, const TorchType& type, const Layout& layout);
  Ref<Storage> aligned(const Ref<Storage>& memory, int64_t width);
  Tensor meta_tensor(Ids arguments);
  Value wrapper(Ids arguments, Id state);
  Value subclass(const std::string& function, Ids arguments);
  Value with_attributes(Value value, Id state, const std::string& type);
  Value typed(const TorchType& type, Tensor tensor) const;
  Value quantised(Ids arguments);
  Value sparse(Ids arguments);
  Value nested(Id bytes);
  Value first_tensor(Ids ids);
  const TorchType& dtype(Id id) const;
  Dims dims(Id id, const char* what) const;
  Tensor dense(Id id, const char* what);
  Value raw_or_dense(Id id, const char* what);
  void need(bool is_good, std::string_view name) const;

  // numpy
  bool numpy(Id id, Result* result);
  Value numpy_tensor(Id id);
  Ids more_of_numpy(Id id) const;
  Result numpy_opaque(Id type, Id shape, Id data, Id id);

  const PickleGraph& graph_;
  TorchStorages& storages_;
  const ReadOptions& options_;
  std::string where_;
  int nesting_;
  int64_t depth_ = 0;  // of the nodes that are open
  int recursion_ = 0;
  size_t budget_, key_budget_ = kMostValues;
  std::vector<Open> stack_;
  std::vector<bool> open_;  // nodes that are being read: meeting one again is a cycle
  // What was read is shared by all that refer to it; its size counts what is in it as often as it is there.
  struct Known {
    Value value;
    size_t size;
  };
  host::Vector<uint32_t> known_at_;  // node's place in known_, counted from 1
  std::vector<Known> known_;
  size_t size_ = 0;               // of the value that was read last
  std::vector<bool> holds_data_;  // empty: not known yet
  std::unordered_map<Id, std::string> classes_;
  std::unordered_map<Id, Value> named_keys_;
  std::unordered_map<Id, bool> modules_;
  std::deque<std::vector<Id>> joined_;  // items that the graph has in two places
  std::unordered_map<Id, TorchStorage> nested_storages_;
  std::unordered_map<const Storage*, std::pair<Ref<Storage>, Ref<Storage>>> aligned_;  // it, and the copy
  std::unordered_set<const void*> bool_storages_;
};

// A global's name today, where it had another: builtins for __builtin__.
std::string modern_global(std::string name);

// "torch.sparse_csr"
bool is_sparse_layout(std::string_view name);

// Throws "WHERE: ..." where indices of sparse tensors in `value` do not fit their shapes.
void check_sparse(const Value& value, const std::string& where);

// A file of PyTorch within a pickle. `nesting` counts how deep.
Value read_torch_bytes(std::string_view bytes, const ReadOptions& options, const std::string& where,
                       int nesting);

}  // namespace kiln::io
