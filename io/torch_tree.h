#pragma once

// For sources only: from a pickle of PyTorch to the value tree.

#include <unordered_map>
#include <unordered_set>

#include <kiln/io/outline.h>
#include <kiln/io/pickle.h>
#include <kiln/io/torch_types.h>
#include <kiln/tensor/key_index.h>

namespace kiln::io {

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
class TorchTree {
 public:
  TorchTree(const PickleGraph& graph, TorchStorages& storages, const ReadOptions& options, std::string where,
            int nesting = 0);

  Value read() { return value(graph_.root()); }

 private:
  using Id = PickleGraph::Id;
  using Ids = std::vector<Id>;
  using Kind = PickleGraph::Kind;

  template <class... Args>
  [[noreturn]] void bad(const char* format, const Args&... args) const;
  [[noreturn]] void bad_sentence(const std::string& sentence) const;
  void spend(size_t amount);

  Value value(Id id);
  Value container(Id id);
  Value atom(Id id);
  std::vector<Value> values(const Ids& ids);
  Value object(Id id);
  Value opaque(const std::string& type, Id id);
  Value call(const std::string& name, const Ids& arguments, Id id);
  bool known_class(const std::string& name, Id id, Value* result);
  Value persistent(Id id);
  static void add_entry(std::vector<Value::Entry>& entries, KeyIndex& known, Value::Key key, Value value);
  Value::Key key(Id id);
  Value dict(const Ids& pairs);
  // The class that a global, or a legacy ('module', class, ...) persistent id, is.
  const std::string& class_of(Id id);
  std::string find_class(Id id) const;
  // Key and value, alternating, of a dict or an OrderedDict in any of its forms.
  Ids pairs_of(Id id) const;
  Id attribute(Id state, std::string_view name) const;
  bool is_module(Id id);
  Value module(Id id);

  // torch_tensors.cpp
  bool rebuild(const std::string& name, const Ids& arguments, Value* result);
  TorchStorage storage(Id id);
  TorchStorage storage_of_bytes(Id id);
  TorchStorage storage_of_list(const TorchType& type, Id list);
  Tensor tensor(const TorchStorage& storage, const TorchType& type, Id offset, Id size, Id stride);
  void make_bools(const Tensor& x, bool whole_storage);
  Tensor resolved(const Tensor& tensor, Id metadata);
  Value typed(const TorchType& type, Tensor tensor) const;
  Value quantised(const Ids& arguments);
  Value sparse(const Ids& arguments);
  Value nested(Id bytes);
  Value first_tensor(const Ids& ids);
  const TorchType& dtype(Id id) const;
  Dims dims(Id id, const char* what) const;
  Tensor dense(Id id, const char* what);
  void need(bool is_good, std::string_view name) const;

  // numpy
  bool numpy(Id id, Value* result);
  Value numpy_opaque(Id type, Id shape, Id data);

  const PickleGraph& graph_;
  TorchStorages& storages_;
  const ReadOptions& options_;
  std::string where_;
  int nesting_;
  int depth_ = 0;
  size_t budget_;
  std::vector<bool> open_;           // nodes that are being read: meeting one again is a cycle
  std::vector<uint32_t> tensor_at_;  // node's place in tensors_, counted from 1
  std::vector<Tensor> tensors_;
  std::unordered_map<Id, std::string> classes_;
  std::unordered_map<Id, bool> modules_;
  std::unordered_map<Id, TorchStorage> nested_storages_;
  std::unordered_set<const void*> bool_storages_;
};

// "torch.sparse_csr"
bool is_sparse_layout(std::string_view name);

// Throws "WHERE: ..." where indices of sparse tensors in `value` do not fit their shapes.
void check_sparse(const Value& value, const std::string& where);

// A file of PyTorch within a pickle. `nesting` counts how deep.
Value read_torch_bytes(std::string_view bytes, const ReadOptions& options, const std::string& where,
                       int nesting);

}  // namespace kiln::io
