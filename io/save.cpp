#include <kiln/io/load.h>
#include <kiln/io/writers.h>
#include <kiln/tensor/fail.h>

namespace kiln::io {
namespace {

struct Ending {
  std::string_view text;
  void (*write)(const std::string& path, const Value& value, const SaveOptions& options);
};
constexpr Ending kEndings[] = {
    {".kiln", write_state_file}, {".pth", write_pth},
    {".pt", write_pth},          {".safetensors", write_safetensors},
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
  const std::string_view ending = ending_of(path);
  for (const auto& [text, write] : kEndings)
    if (ending == text) return write(path, value, options);
  fail(
      "save: '{}' ends in '{}', which names no kind of file; use .kiln, .pth, .pt, .safetensors, .npz or "
      ".npy",
      path, ending);
}

}  // namespace kiln::io
