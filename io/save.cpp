#include <algorithm>

#include <kiln/io/bytes/placement.h>
#include <kiln/io/load.h>
#include <kiln/io/writers.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

struct Ending {
  std::string_view text;
  Writer write;
  bool has_shards = false;
};
// A longer one before its own end.
constexpr Ending kEndings[] = {
    {".kiln", write_state_file}, {".pth", write_pth, true}, {".pt", write_pth, true},
    {".ckpt", write_pth, true},  {".bin", write_pth, true}, {".pth.tar", write_pth, true},
    {".npy", write_npy},         {".npz", write_npz},       {".safetensors", write_safetensors, true},
};
constexpr Ending kNone = {"", write_state_file};
constexpr const char* kKinds = ".kiln, .pth, .pt, .ckpt, .bin, .pth.tar, .safetensors, .npz or .npy";

std::string_view name_in(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// What stands behind the last dot, with it.
std::string_view last_ending(std::string_view path) {
  const std::string_view name = name_in(path);
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? "" : name.substr(dot);
}

const Ending& kind_of(const std::string& path, const std::string& format) {
  if (!format.empty()) {
    for (const Ending& ending : kEndings)
      if (ending.text.substr(1) == format || ending.text == format) return ending;
    fail("save: there is no format '{}' for '{}'; it is one of {} without the dot", format, path, kKinds);
  }
  for (const Ending& ending : kEndings)
    if (name_in(path).ends_with(ending.text)) return ending;
  const std::string_view last = last_ending(path);
  if (last.empty()) return kNone;
  fail("save: '{}' ends in '{}', which names no kind of file; use {}, or say the format (.format = \"pth\")",
       path, last, kKinds);
}

}  // namespace

void save(const std::string& path, const Value& value, const SaveOptions& options) {
  if (std::ranges::any_of(value.tensors(), [](const Tensor* x) { return x->device().is_cuda(); }))
    return save(path, from_gpu(value), options);
  const Ending& kind = kind_of(path, options.format);
  if (options.shard_bytes == 0) return kind.write(path, value, options);
  if (options.shard_bytes < 0) fail("save: shards of {} bytes cannot be written", options.shard_bytes);
  if (!kind.has_shards)
    fail(
        "save: '{}' cannot be written in shards, only safetensors and PyTorch's files (.safetensors, .pth, "
        ".pt) can",
        path);
  const bool is_named = !kind.text.empty() && name_in(path).ends_with(kind.text);
  write_shards(path, is_named ? kind.text : last_ending(path), value, options, kind.write);
}

}  // namespace kiln::io
