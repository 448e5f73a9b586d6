#pragma once

// For sources only: what the readers of PyTorch's and numpy's files share.

#include <string>

#include <kiln/io/load.h>
#include <kiln/io/pickle.h>
#include <kiln/io/torch_types.h>
#include <kiln/io/zip.h>

namespace kiln::io {

// ('storage', class, key, location, count), as persistent ids name a storage; `view` is its sixth item or
// kNothing.
struct StorageName {
  const TorchType* type = nullptr;
  std::string key;
  int64_t count = 0;
  PickleGraph::Id view = PickleGraph::kNothing;
};
StorageName storage_name(const PickleGraph& graph, PickleGraph::Id reference, const std::string& where);

// The class that a storage or old tensor names: torch.FloatStorage, torch.cuda.FloatTensor.
const TorchType& class_type(const PickleGraph& graph, PickleGraph::Id id, std::string_view ending,
                            const std::string& where);

// Throws when the layout is not one, or reaches beyond `available` elements.
void check_layout(const Layout& layout, int64_t available, const std::string& where);

// A copy with the bytes of each number in the other order.
Ref<Storage> swapped(const Storage& storage, DType dtype);

Value read_zip(const Source& source, const LoadOptions& options, int nesting);
Value read_legacy(const Source& source, const LoadOptions& options, int nesting);
Value read_npz(const ZipArchive& archive, const LoadOptions& options);
Value read_model_json(const ZipArchive& archive, const std::string& prefix, const LoadOptions& options);

// The tensors below a TorchScript module, as its state dict.
Value script_weights(const Value& module);

// The magic number that begins torch.save's stream before 1.6.
bool is_legacy(std::string_view head);

}  // namespace kiln::io
