#include <kiln/io/torch/script_classes.h>

#include <algorithm>

#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

constexpr std::string_view kClass = "class ", kMethod = "  def ", kParameters = "  __parameters__ = [",
                           kBuffers = "  __buffers__ = [";

// The texts of a list like `"weight", "bias", ]`. Names have no quotes in them: PyTorch does not escape any.
void add_names(std::string_view list, ScriptClass& to) {
  for (size_t begin = list.find('"'); begin != list.npos; begin = list.find('"', begin)) {
    const size_t end = list.find('"', begin + 1);
    if (end == list.npos) return;
    to.places.emplace(list.substr(begin + 1, end - begin - 1), uint32_t(to.places.size()));
    begin = end + 1;
  }
}

}  // namespace

ScriptClasses::ScriptClasses(const ZipArchive& archive, std::string code, const LoadLimits& limits,
                             bool verify)
    : archive_(archive), code_(std::move(code)), most_bytes_(limits.string_bytes), verify_(verify) {}

const ScriptClass* ScriptClasses::find(const std::string& name) {
  const size_t dot = name.rfind('.');
  if (dot == name.npos) return nullptr;
  if (const std::string module = name.substr(0, dot); modules_.insert(module).second) read(module);
  const auto found = classes_.find(name);
  return found == classes_.end() ? nullptr : &found->second;
}

void ScriptClasses::read(const std::string& module) {
  std::string path = module;
  std::ranges::replace(path, '.', '/');
  const ZipArchive::Record* record = archive_.find(code_ + path + ".py");
  if (record == nullptr) return;
  if (record->size > most_bytes_)
    fail("{} has {} bytes, the limit is {} (limits.string_bytes)", archive_.where(*record), record->size,
         most_bytes_);
  const std::string text = archive_.text(*record, verify_);
  ScriptClass* current = nullptr;  // whose head is being read: the lines before its first method
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.starts_with(kClass)) {
      const std::string_view name = line.substr(kClass.size(), line.find_first_of("(:") - kClass.size());
      const auto [place, is_new] = classes_.try_emplace(module + "." + std::string(name));
      current = is_new ? &place->second : nullptr;
    } else if (current != nullptr && line.starts_with(kMethod)) {
      current = nullptr;
    } else if (current != nullptr && !current->is_module && line.starts_with(kParameters)) {
      current->is_module = true;
      add_names(line.substr(kParameters.size()), *current);
    } else if (current != nullptr && !current->has_buffers && line.starts_with(kBuffers)) {
      current->has_buffers = true;
      add_names(line.substr(kBuffers.size()), *current);
    }
  }
}

}  // namespace kiln::io
