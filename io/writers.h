#pragma once

#include <kiln/io/load.h>

namespace kiln::io {

// Internal: the kinds of files that save() writes, one function each. All are atomic.

// docs/state-file.md
void write_state_file(const std::string& path, const Value& value, const SaveOptions& options);

// A zip archive as torch.save makes it: loads with PyTorch 1.6 and later, weights_only=True included. A dict
// becomes a plain dict. Tensors keep their strides and which of them overlap in memory, except that
// overlapping tensors of different dtypes become copies. uint16, uint32, uint64 and float8 need PyTorch 2.3.
void write_pth(const std::string& path, const Value& value, const SaveOptions& options);

// A plain safetensors file of a dict of tensors, which may be nested: keys are joined with '.'. It knows no
// strides and no shared memory: tensors are written row-major, each on its own.
void write_safetensors(const std::string& path, const Value& value, const SaveOptions& options);

// NumPy's files (NEP 1), in row-major order: one tensor, and a dict of tensors that may be nested. There is
// no bfloat16 and no float8 in NumPy.
void write_npy(const std::string& path, const Value& value, const SaveOptions& options);
void write_npz(const std::string& path, const Value& value, const SaveOptions& options);

// Files of at most options.shard_bytes of tensors, "x-00001-of-00003.safetensors", and then
// "x.safetensors.index.json", which says what is where; one file when all fits. Until all shards are written
// the previous set of files is as it was; what of it is not replaced is removed at the end.
using Writer = void (*)(const std::string& path, const Value& value, const SaveOptions& options);
void write_shards(const std::string& path, std::string_view ending, const Value& value,
                  const SaveOptions& options, Writer write);

}  // namespace kiln::io
