#pragma once

#include <kiln/io/load.h>

namespace kiln::io {

// A file of any kind that load() reads, opened without a look at its tensors: its structure is read at once,
// data when they are asked for.
//
//     const io::File file = io::open("checkpoint.pth");
//     for (const std::string& name : file.names())
//       std::printf("%s %s\n", name.c_str(), to_string(file.outline().at(name).as_tensor().shape()).c_str());
//     const Tensor weight = file.tensor("state_dict/fc.weight");
//     const Value optimizer = file.value("optimizer");
//
// A handle: copies are the same file. Elements that are stored as they are and aligned are views of a private
// mapping: reading them reads the file, writing to them changes memory only. Others are copied when they are
// first asked for: deflated ones, ones of foreign byte order, and most of torch.save's before 1.6. Asked for
// again, a tensor is the same memory. The file must not be cut or overwritten in place meanwhile; save()
// replaces it safely.
//
// Read at once are arrays and tensors inside of a pickle (pickle.dump), and the data that tells the structure
// itself.
class File {
 public:
  File(const File& other);
  File(File&& other) noexcept;
  File& operator=(File other) noexcept;
  ~File();

  const std::string& path() const&;
  std::string path() &&;
  // The tree that load() gives, but its tensors are of the device `meta` (tensor/meta.h): with dtype, shape,
  // strides and shared memory, without elements. (What a pickle holds itself is a tensor with elements.)
  // save() reads their data when it writes them.
  const Value& outline() const&;
  Value outline() &&;
  // The "__metadata__" of a safetensors file, the "metadata" of an index of shards; else none.
  const Value& metadata() const&;
  Value metadata() &&;
  // The paths of all tensors in the outline: "state_dict/fc.weight".
  std::vector<std::string> names() const;

  // What stands at a path ("": everything), with its data. Tensors that share memory share it. Data are
  // compared with their checksums, unless options.verify was off.
  Value value(std::string_view path = "") const;
  // Throws when something else than a tensor is there.
  Tensor tensor(std::string_view path) const;

 private:
  friend File open(const std::string& path, const LoadOptions& options);
  struct State;
  explicit File(Ref<State> state);

  Ref<State> state_;
};

// All options count; `map` does not matter, `progress` is not called. Throws as load() does.
File open(const std::string& path, const LoadOptions& options = {});

}  // namespace kiln::io
