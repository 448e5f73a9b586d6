#pragma once

#include <string>

#include <kiln/tensor/value.h>

namespace kiln::io {

struct SaveOptions {
  // Tensors of 64 bytes and more begin at a multiple of 64 bytes, for which the file may need filler entries
  // ("kiln.filler.0"). False: no fillers, each tensor begins at a multiple of its element's size.
  bool align = true;
};

// Writes a file of the kind that its ending names (docs/files.md); the value must be one that this kind can
// hold:
//   .kiln, or no ending  anything: a state file (docs/state-file.md), which is a valid safetensors file too
//   .pth, .pt            anything but objects; PyTorch 1.6 and later load it, with weights_only=True too
//   .safetensors         a dict of tensors, which may be nested: keys are joined with '.'
//   .npz, .npy           a dict of tensors; one tensor
// The first two keep which tensors share memory. Tensors must be on the CPU.
// The file appears whole or not at all: on any failure Error is thrown and the previous file is as it was.
void save(const std::string& path, const Value& value, const SaveOptions& options = {});

struct LoadOptions {
  // Compare every tensor with its checksum, where the file has them.
  bool verify = true;
  // Tensors are private views of the mapped file instead of copies: nothing is read before it is used (but
  // for `verify`), and writing to them changes memory only. The file must not be cut or overwritten in place
  // while they live; save() replaces it safely.
  bool map = false;
  // Refuse a file that needs a class or function which Kiln does not know, instead of giving it as an object.
  bool strict = false;
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
