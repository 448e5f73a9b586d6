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

// The steps are taken in the order of the members. With any of them the weights alone are written, as a dict;
// else all that the file holds. A step that finds nothing to do is an Error.
struct ConvertOptions {
  std::string in, out;
  std::string format;                   // of `out`; "": its ending tells
  bool weights = false;                 // only the weights, where there is only one set of them
  std::string path;                     // the weights at "model/ema"; "/" is the top
  std::vector<std::string> merge;       // files whose weights join, the later ones first in rank
  std::vector<std::string> strip;       // prefixes to take off the names
  std::string add;                      // a prefix for all names
  std::vector<std::string> rename;      // pattern and replacement, in turns
  std::vector<std::string> keep, drop;  // patterns
  std::string cast;                     // name of a floating dtype
  int64_t shard_bytes = 0;              // not 0: more than this goes into several files
};
void convert(const ConvertOptions& options);

// What differs between two files: names, dtypes, shapes, elements, other values. The relative difference is
// the largest difference over the largest magnitude in `a`.
struct DiffOptions {
  std::string a, b;
  bool tensors = false;       // only those
  double atol = 0, rtol = 0;  // elements are equal when |a - b| <= atol + rtol |b|
};
// True when nothing differs.
bool diff(const DiffOptions& options);

// Reads everything; throws for what is wrong.
struct VerifyOptions {
  std::string file;
};
void verify(const VerifyOptions& options);

// The networks that models::create knows, a line each; with a name its layers, options and published weights.
struct ModelsOptions {
  std::string name;
  bool json = false;
};
void list_models(const ModelsOptions& options);

}  // namespace kiln::tools
