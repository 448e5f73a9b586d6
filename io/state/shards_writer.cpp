#include <algorithm>
#include <optional>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/file_system.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/io/bytes/json.h>
#include <kiln/io/state/named_tensors.h>
#include <kiln/io/writers.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/utf8.h>
#include <kiln/tensor/base/with_article.h>
#include <kiln/tensor/value/surgery.h>

namespace kiln::io {
namespace {

constexpr size_t kDepth = 100;  // of an index

int64_t bytes_in(const Value& value) {
  int64_t bytes = 0;
  for (const Tensor* x : value.tensors()) bytes += x->numel() * size_of(x->dtype());
  return bytes;
}

// Each name and what it is of in one file. PyTorch's keep what hangs on a tensor, others have it by name.
std::vector<Value::Entry> entries_of(const std::string& path, const Value& value, Writer write) {
  std::vector<Value::Entry> entries;
  if (write != write_pth || !value.is_dict()) {
    for (NamedTensor& next : named_tensors(path, value)) {
      next.value.set_attributes({});
      entries.push_back({std::move(next.name), std::move(next.value)});
    }
    return entries;
  }
  for (const Value::Entry& entry : value.entries()) {
    if (!entry.key.is_text() || !is_utf8(entry.key.text()))
      fail("save: '{}' cannot be written in shards: the names in their index are texts, one here is {}", path,
           to_string(entry.key));
    if (!entry.value.is_tensor() && !entry.value.is_object())
      fail("save: '{}' cannot be written in shards: they hold a dict of tensors, '{}' is {}{}", path,
           to_string(entry.key), with_article(name_of(entry.value.kind())), where_weights_are(value));
    entries.push_back(entry);
  }
  return entries;
}

// In order, as many to a shard as fit; a tensor that is larger than a shard has one of its own.
std::vector<std::vector<Value::Entry>> split(std::vector<Value::Entry> entries, int64_t limit) {
  std::vector<std::vector<Value::Entry>> shards(1);
  int64_t used = 0;
  for (Value::Entry& next : entries) {
    const int64_t bytes = bytes_in(next.value);
    if (used > 0 && used + bytes > limit) {
      shards.emplace_back();
      used = 0;
    }
    used += bytes;
    shards.back().push_back(std::move(next));
  }
  return shards;
}

// "" where there is none. One that cannot be read is an error: the files that it names must not be written
// over.
std::string text_of(const std::string& index) {
  try {
    const InputFile file(index);
    return file.read(0, file.size());
  } catch (const SystemError& error) {
    if (error.code == std::errc::no_such_file_or_directory) return "";
    fail("save: the index of the previous save cannot be read, so its files cannot be replaced: {}",
         error.what());
  }
}

// The files that an index names and that were written by us for the same path: "net-00001-of-00003.pth".
// Nothing when there is no index, or it is not to be understood.
std::vector<std::string> shards_in(const std::string& index, const std::string& stem, size_t folder) {
  const std::string text = text_of(index);
  std::vector<std::string> found;
  try {
    const Value json = parse_json(text, index, kDepth);
    for (const auto& [name, shard] : json.at("weight_map").entries())
      if (shard.as_string().starts_with(stem.substr(folder) + "-") &&
          shard.as_string().find('/') == std::string::npos)
        found.push_back(stem.substr(0, folder) + shard.as_string());
  } catch (const Error&) {
    found.clear();
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void make_safe(const std::string& path) {
  if (const std::error_code error = sync_folder(folder_of(path)))
    fail("save: cannot make safe the folder of '{}': {}", path, error.message());
}

void remove_previous(const std::string& path) {
  if (const std::error_code error = remove_file(path))
    fail("save: cannot remove '{}' of the previous save: {}", path, error.message());
}

// "net-00001-of-00003.pth" or, where `old` has one of these, "net-b-00001-of-00003.pth".
std::vector<std::string> names_of(size_t count, const std::string& stem, std::string_view ending,
                                  const std::vector<std::string>& old) {
  for (const char* mark : {"", "-b", "-c"}) {
    std::vector<std::string> names;
    for (size_t i = 0; i < count; ++i)
      names.push_back(fmt::format("{}{}-{:05}-of-{:05}{}", stem, mark, i + 1, count, ending));
    const bool is_new = std::ranges::none_of(
        names, [&](const std::string& name) { return std::ranges::binary_search(old, name); });
    if (is_new) return names;
  }
  fail("save: the index of '{}{}' names files of three saves; remove it and them", stem, ending);
}

// The shards, then the index. When that fails the new shards go, unless the index in the folder names them.
void write_set(const std::vector<std::string>& files, std::vector<std::vector<Value::Entry>> shards,
               const std::string& index, const std::string& text, const SaveOptions& options, Writer write) {
  std::optional<AtomicFile> file;
  try {
    for (size_t i = 0; i < shards.size(); ++i) write(files[i], Value::dict(std::move(shards[i])), options);
    file.emplace(index, int64_t(text.size()));
    file->write(0, text.data(), int64_t(text.size()));
    file->replace();
  } catch (...) {
    for (const std::string& name : files) file_system().unlink(name);  // the first error counts
    throw;
  }
  file->commit();
}

}  // namespace

// Under names that the index of the previous ones does not have, so that these stay whole until it is
// replaced. What the folder shows of an earlier save that did not end well may not be what is left after a
// power failure, so the folder is synced before names are chosen, and before files go that may be named.
void write_shards(const std::string& path, std::string_view ending, const Value& value,
                  const SaveOptions& options, Writer write) {
  if (!is_utf8(path) || path.find('\\') != std::string::npos)
    fail("save: '{}' cannot be written in shards: their index needs names in UTF-8 without '\\\\'", path);
  auto entries = entries_of(path, value, write);
  int64_t total = 0;
  for (const Value::Entry& next : entries) total += bytes_in(next.value);

  const std::string stem = path.substr(0, path.size() - ending.size()), index = path + ".index.json";
  const size_t slash = path.rfind('/'), folder = slash == std::string::npos ? 0 : slash + 1;
  make_safe(path);
  const std::vector<std::string> old = shards_in(index, stem, folder);
  // Of shards with other names, and of the file that is not written this time.
  for (const std::string& begin : {stem + "-", path + "."})
    remove_abandoned(folder_of(path), "." + begin.substr(folder));
  if (total <= options.shard_bytes) {
    write(path, value, options);
    remove_previous(index);
  } else {
    auto shards = split(std::move(entries), options.shard_bytes);
    const std::vector<std::string> files = names_of(shards.size(), stem, ending, old);
    std::string map;
    for (size_t i = 0; i < shards.size(); ++i)
      for (const Value::Entry& entry : shards[i])
        map += fmt::format("{}\n    {}: {}", map.empty() ? "" : ",", json_string(entry.key.text()),
                           json_string(files[i].substr(folder)));
    const std::string text = fmt::format(
        "{{\n  \"metadata\": {{\"total_size\": {}}},\n  \"weight_map\": {{{}\n  }}\n}}\n", total, map);
    write_set(files, std::move(shards), index, text, options, write);
    remove_previous(path);
  }
  make_safe(path);
  for (const std::string& shard : old) remove_previous(shard);
}

}  // namespace kiln::io
