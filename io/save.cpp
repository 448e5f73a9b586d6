#include <algorithm>

#include <kiln/io/bytes/placement.h>
#include <kiln/io/load.h>
#include <kiln/io/writers.h>
#include <kiln/tensor/fail.h>

namespace kiln::io {
namespace {

struct Ending {
  std::string_view text;
  Writer write;
  bool has_shards = false;
};
constexpr Ending kEndings[] = {
    {".kiln", write_state_file}, {".pth", write_pth, true},
    {".pt", write_pth, true},    {".safetensors", write_safetensors, true},
    {".npy", write_npy},         {".npz", write_npz},
    {"", write_state_file},
};

std::string_view ending_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? "" : name.substr(dot);
}

}  // namespace

void save(const std::string& path, const Value& value, const SaveOptions& options) {
  if (std::ranges::any_of(value.tensors(), [](const Tensor* x) { return x->device().is_cuda(); }))
    return save(path, from_gpu(value), options);
  const std::string_view ending = ending_of(path);
  for (const auto& [text, write, has_shards] : kEndings) {
    if (ending != text) continue;
    if (options.shard_bytes == 0) return write(path, value, options);
    if (options.shard_bytes < 0) fail("save: shards of {} bytes cannot be written", options.shard_bytes);
    if (!has_shards)
      fail("save: '{}' cannot be written in shards, only .safetensors, .pth and .pt can", path);
    return write_shards(path, ending, value, options, write);
  }
  fail(
      "save: '{}' ends in '{}', which names no kind of file; use .kiln, .pth, .pt, .safetensors, .npz or "
      ".npy",
      path, ending);
}

}  // namespace kiln::io
