#pragma once

#include <string>
#include <vector>

namespace kiln::tools {

// The subcommands of `kiln`. Each prints to the standard output and throws Error for what cannot be done.

struct InspectOptions {
  std::string file;
  std::string format = "table";  // or "tsv", "json"
  bool sha256 = false;           // of each tensor's bytes in row-major order, little-endian
  bool stats = false;
};
void inspect(const InspectOptions& options);

}  // namespace kiln::tools
