#pragma once

// Internal: what the code of a TorchScript archive tells of its classes.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <kiln/io/zip/zip.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {

// A class as torch.jit.save prints it:
//
//    class Linear(Module):
//      __parameters__ = ["weight", "bias", ]
//      __buffers__ = []
//
// Nothing more of the code is looked at. PyTorch 1.4 to 1.6 did not print the second line, and held each
// other tensor of a module for a buffer.
struct ScriptClass {
  bool is_module = false;    // it has the first line
  bool has_buffers = false;  // and the second
  // In a state dict: of parameters, then of buffers.
  std::unordered_map<std::string, uint32_t, TextHash> places;
};

class ScriptClasses {
 public:
  // `archive` must outlive it, `code` is the folder of the code: "net/code/".
  ScriptClasses(const ZipArchive& archive, std::string code, const LoadLimits& limits, bool verify);

  // A class by its full name, "__torch__.torch.nn.modules.linear.Linear"; null when there is no code of it.
  const ScriptClass* find(const std::string& name);

 private:
  void read(const std::string& module);

  const ZipArchive& archive_;
  std::string code_;
  int64_t most_bytes_;
  bool verify_;
  std::unordered_map<std::string, ScriptClass, TextHash> classes_;
  std::unordered_set<std::string, TextHash> modules_;  // that were read
};

}  // namespace kiln::io
