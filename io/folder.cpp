#include <algorithm>
#include <filesystem>
#include <vector>

#include <kiln/io/format.h>
#include <kiln/io/strangers.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLookedAt = 10'000, kShown = 8;

bool is_readable(const fs::path& path) {
  try {
    return find_format(InputFile(path.string())) != nullptr;
  } catch (const Error&) {
    return false;  // it is not there any more, or not for us: not one to name
  }
}

std::string quoted(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < kShown; ++i)
    text += fmt::format("{}'{}'", i == 0 ? "" : ", ", names[i]);
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

// What kind of folder it is, and what to give instead.
std::string advice(const std::vector<fs::path>& files, const fs::path& folder) {
  const auto has = [&](const char* name) { return fs::exists(folder / name); };
  if (has("saved_model.pb")) return "a SavedModel of TensorFlow, which Kiln does not read";
  if (has("Manifest.json") && has("Data")) return "a Core ML package, which Kiln does not read";
  const auto is_part = [](const fs::path& file) { return file.extension() == ".distcp"; };
  if (std::ranges::any_of(files, is_part))
    return "a checkpoint of torch.distributed.checkpoint without '.metadata', its table of contents";
  std::vector<std::string> indices, readable;
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    if (name.ends_with(".index.json"))
      indices.push_back(name);
    else if (is_readable(file))
      readable.push_back(name);
  }
  if (!indices.empty()) return "give an index in it: " + quoted(indices);
  if (!readable.empty()) return "give a file in it: " + quoted(readable);
  if (files.empty()) return "there is no file in it";
  return fmt::format("none of its {} files is one that Kiln reads", files.size());
}

}  // namespace

void refuse_folder(const std::string& path) {
  std::error_code ignored;  // what is wrong with a path is said when it is opened
  if (!fs::is_directory(path, ignored)) return;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(path, ignored), end; entry != end && files.size() < kLookedAt;
       entry.increment(ignored))
    if (entry->is_regular_file(ignored)) files.push_back(entry->path());
  std::ranges::sort(files);
  const std::string what = advice(files, path);
  fail("load: cannot read '{}': it is a folder{}{}", path, what.starts_with("a ") ? ", " : "; ", what);
}

}  // namespace kiln::io
