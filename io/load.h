#pragma once

#include <optional>
#include <string>

#include <kiln/tensor/base/function.h>
#include <kiln/tensor/value/value.h>

namespace kiln::io {

struct SaveOptions {
  // The kind of file, by one of the endings below without its dot ("pth"); "": the path's ending names it.
  std::string format;
  // Tensors of 64 bytes and more begin at a multiple of 64 bytes, for which the file may need filler entries
  // ("kiln.filler.0"). False: no fillers, each tensor begins at a multiple of its element's size.
  bool align = true;
  // For safetensors and PyTorch files of a dict of tensors: when they have more bytes than this, write
  // several files, "net-00001-of-00003.safetensors", and an index "net.safetensors.index.json" that load()
  // takes. 0: one file.
  int64_t shard_bytes = 0;
};

// Writes a file of the kind that its ending names (docs/files.md); the value must be one that this kind can
// hold:
//   .kiln, or no ending  anything: a state file (docs/state-file.md), which is a valid safetensors file too
//   .pth, .pt, .ckpt, .bin, .pth.tar
//                        anything but objects; PyTorch 1.6 and later load it, with weights_only=True too
//   .safetensors         a dict of tensors, which may be nested: keys are joined with '.'
//   .npz, .npy           a dict of tensors; one tensor
// The first two keep which tensors share memory. Tensors of a GPU are copied to the host first. What is
// written, load() reads; what a kind cannot hold (a name with '\\' in an .npz, an empty dict among weights),
// or load() refuses by its limits, is an Error. The file appears whole or not at all: on any failure Error is
// thrown and the previous file is as it was.
void save(const std::string& path, const Value& value, const SaveOptions& options = {});

// What a file may ask for. Beyond it, loading is an Error that names the limit. Raise one for a file that you
// trust, lower them for files of strangers.
struct LoadLimits {
  int64_t pickle_bytes = 256 << 20;  // of one pickle, without the data that lie beside it
  int64_t opcodes = 50'000'000;      // of one pickle
  int64_t nodes = 10'000'000;        // values in one pickle
  int64_t nesting = 1000;            // values in values
  int64_t string_bytes = 64 << 20;   // of one text
  int64_t records = 1'000'000;       // of a zip archive
  // A deflated record may grow this much; those of less than 1 MiB may grow as they like.
  int64_t inflate_ratio = 200;
  // All deflated records of an archive together, or twice the file where that is more.
  int64_t inflated_bytes = int64_t(1) << 30;
};

struct LoadOptions {
  // Compare every tensor with its checksum, where the file has them.
  bool verify = true;
  // Tensors are private views of the mapped file instead of copies: nothing is read before it is used (but
  // for `verify`), and writing to them changes memory only. The file must not be cut or overwritten in place
  // while they live; save() replaces it safely.
  bool map = false;
  // Refuse a file that needs a class or function which Kiln does not know, instead of giving it as an object.
  bool strict = false;
  // Where the tensors go, wherever they were when they were saved (PyTorch's map_location).
  Device device = cpu;
  // Floating tensors become this floating dtype; all others, also complex ones and the parts of quantised
  // tensors, stay what they are. Tensors that share memory share it afterwards.
  std::optional<DType> dtype;
  // Called with the bytes of tensors read so far and the size of the file, at the end with the size twice.
  // What it throws ends the loading. It may be called by another thread than that of load().
  Function<void(int64_t done, int64_t total)> progress;
  // Called with a sentence about what is not wrong and yet worth knowing: records without a checksum,
  // storages that belong to nothing in the value.
  Function<void(const std::string&)> warn;
  // Data of a torch.save archive that does not say its byte order (PyTorch before 2.1) are big-endian.
  bool big_endian = false;
  LoadLimits limits;
};

// What a file holds beyond plain data and tensors becomes an object (value.h; docs/files.md):
//   a module: its class, with its state dict as entries ("conv1.weight");
//   "torch.quint8" and the other quantised types: "values" (a tensor of the raw integers), "scheme", and
//     "scale" and "zero_point" or "scales", "zero_points" and "axis";
//   "torch.sparse_coo", "torch.sparse_csr", ...: "indices" (or "compressed" and "plain"), "values", "shape";
//   "numpy.ndarray" of a type without a dtype here: "dtype" ("|V56"), "shape", "data" (bytes or a list);
//   any other class: its attributes, its arguments as "_args", its items as "_items".
//
// Reads a file, recognised by its content and not by its name. docs/files.md lists the kinds. Throws Error,
// naming the file, when it is missing, of no known kind, incomplete or damaged.
Value load(const std::string& path, const LoadOptions& options = {});

}  // namespace kiln::io
