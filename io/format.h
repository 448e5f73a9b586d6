#pragma once

#include <string_view>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/outline.h>

namespace kiln::io {

// Internal: a kind of file that load() knows. A reader joins by an entry in the table in load.cpp.
struct Format {
  // True when a file of `size` bytes that begins with `head` (up to 512 bytes) is of this kind.
  bool (*matches)(std::string_view head, int64_t size);
  Value (*read)(const InputFile& file, const ReadOptions& options);
};

// The kind of a file; null when it is none that is known.
const Format* find_format(const InputFile& file);

// Any kind of file.
Value read_any_file(const InputFile& file, const ReadOptions& options);
// The same, or a folder of torch.distributed.checkpoint; what load() and open() read. `size` is that of a
// file.
Value read_any(const std::string& path, const ReadOptions& options, int64_t* size = nullptr);

// State files and other safetensors files.
bool is_state_file(std::string_view head, int64_t size);
Value read_state_file(const InputFile& file, const ReadOptions& options);

// Zip archives: torch.save's since 1.6, TorchScript's and numpy's (npz).
bool is_zip_file(std::string_view head, int64_t size);
Value read_zip_file(const InputFile& file, const ReadOptions& options);

// torch.save's stream of 0.1.10 to 1.5.
bool is_legacy_file(std::string_view head, int64_t size);
Value read_legacy_file(const InputFile& file, const ReadOptions& options);

// torch.save's tar archive of 0.1.0 to 0.1.9.
bool is_tar_file(std::string_view head, int64_t size);
Value read_tar_file(const InputFile& file, const ReadOptions& options);

// A pickle with tensors or arrays in it.
bool is_pickle_file(std::string_view head, int64_t size);
Value read_pickle_file(const InputFile& file, const ReadOptions& options);
// The same of any pickle, also of one that is a part of a folder.
Value read_pickle(const InputFile& file, const ReadOptions& options);

// numpy's npy.
bool is_npy_file(std::string_view head, int64_t size);
Value read_npy_file(const InputFile& file, const ReadOptions& options);

// The index of a checkpoint in several files: model.safetensors.index.json.
bool is_index_file(std::string_view head, int64_t size);
Value read_index_file(const InputFile& file, const ReadOptions& options);

}  // namespace kiln::io
