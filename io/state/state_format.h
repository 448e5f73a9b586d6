#pragma once

#include <string>
#include <vector>

#include <kiln/io/load.h>

namespace kiln::io {

// Internal: the constants and parts of docs/state-file.md that its writer and reader share.

inline constexpr int64_t kLengthBytes = 8;            // the header's length, little-endian, opens the file
inline constexpr int64_t kHeaderLimit = 100'000'000;  // bytes, of the safetensors reference implementation
inline constexpr int64_t kAlignment = 64;             // bytes
inline constexpr size_t kMaxDepth = 200;              // of containers in a value
inline constexpr int64_t kVersion = 2;                // the newest; a file says 1 where it needs no more
inline constexpr std::string_view kHeaderStart = R"({"__metadata__":{"kiln.crc32c":")";
inline constexpr size_t kChecksumDigits = 8;
// Of a safetensors file: in its header, and among the attributes of the dict that it becomes.
inline constexpr const char* kMetadataName = "__metadata__";
inline constexpr std::string_view kFillerPrefix = "kiln.filler.";

// safetensors' word for the dtype; complex128 is stored as pairs of F64.
std::string_view format_name(DType dtype);
// False when there is no such dtype here.
bool dtype_from_format(std::string_view name, DType* dtype);

// An element type of safetensors that no dtype holds. Its tensors are objects with the bytes as "values": of
// the tensor's shape, where two numbers of 4 bits make one of the last size; else flat, and "shape" is there.
struct RawFormat {
  std::string_view format;  // "F8_E8M0"
  std::string_view type;    // of the object: "torch.float8_e8m0fnu"
  int bits;                 // an element
};
// By either; null where there is none.
const RawFormat* raw_format(std::string_view format);
const RawFormat* raw_format_of_type(std::string_view type);

// "0a1b2c3d"
std::string hex(uint32_t checksum);

// Any bytes as two digits each; back, false for what is not such a text.
std::string hex(std::string_view bytes);
bool from_hex(std::string_view digits, std::string* bytes);

// A contiguous range of the data part.
struct Block {
  std::string name;
  Tensor source;  // its elements in row-major order are the content
  int64_t begin = 0;
  int64_t bytes = 0;
  uint32_t checksum = 0;
};

// How one tensor of the value is found in a block.
struct Use {
  static constexpr size_t kNoBlock = SIZE_MAX;  // of a tensor of the device meta
  size_t block = 0;
  DType dtype = float32;
  bool is_view = false;  // else the tensor is the block
  Layout layout;         // of the tensor; for a view, offset counts elements from the block's begin
};

struct Filler {
  int64_t begin = 0;
  int64_t bytes = 0;
};

// What a value needs in the data part.
struct Plan {
  std::vector<Block> blocks;  // in order of `begin`
  std::vector<Use> uses;      // one a tensor, in the order of a walk through the value
  std::vector<Filler> fillers;
  int64_t bytes = 0;
};

// Finds the tensors, those that share memory, and a place for each. Throws for a value that cannot be saved.
Plan plan_blocks(const Value& value, const SaveOptions& options);

// The value as JSON; `uses` as in the plan. And the version of the format that it needs.
struct Tree {
  std::string text;
  int64_t version = 1;
};
Tree tree_text(const Value& value, const Plan& plan);

}  // namespace kiln::io
