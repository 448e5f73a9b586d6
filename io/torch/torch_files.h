#pragma once

// Internal: what the readers of PyTorch's and numpy's files share.

#include <memory>
#include <string>

#include <kiln/io/bytes/check_layout.h>
#include <kiln/io/bytes/outline.h>
#include <kiln/io/pickle/pickle.h>
#include <kiln/io/torch/torch_types.h>
#include <kiln/io/zip/zip.h>

namespace kiln::io {

PickleLimits pickle_limits(const ReadOptions& options);

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

// A copy with the bytes of each number in the other order; a complex element is two numbers.
Ref<Storage> swapped(const Storage& storage, const TorchType& type);

// Shared with what is read from it later.
using Archive = std::shared_ptr<const ZipArchive>;

Value read_zip(const Source& source, const ReadOptions& options, int nesting);
Value read_legacy(const Source& source, const ReadOptions& options, int nesting);
Value read_npz(const Archive& archive, const Source& source, const ReadOptions& options);
Value read_model_json(const Archive& archive, const Source& source, const std::string& prefix,
                      const ReadOptions& options);

// libtorch finds records without regard to case. Throws for those that it would take for one another, or for
// one of `prefix` that PyTorch looks for and Kiln does not.
void check_case(const ZipArchive& archive, const std::string& prefix);

// Reports records that are neither looked at nor written by PyTorch beside a pickle (and beside code).
enum class Content { pickle, script, model_json };
void warn_of_others(const ZipArchive& archive, const std::string& prefix, Content content,
                    const Source& source, const ReadOptions& options);

// Reports storages that the pickle names only in what the value leaves out, as buffers that are not
// persistent.
void warn_of_unused(size_t unused, size_t all, std::string_view first, const Source& source,
                    const ReadOptions& options);

// The state dict of a TorchScript module: parameters and buffers, by the code in the archive. Other tensors
// in it are in the result's attributes(): {"__dict__": {"lstm._flat_weights.0": ...}}.
Value script_weights(const Value& module, const ZipArchive& archive, const std::string& prefix,
                     const Source& source, const ReadOptions& options);

// Throws when the dict of facts about the writer, as files before 1.6 have it, says that data are big-endian.
void check_byte_order(const PickleGraph& system, const Source& source);

// The magic number that begins torch.save's stream before 1.6.
bool is_legacy(std::string_view head);

}  // namespace kiln::io
