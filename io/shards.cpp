#include <unordered_map>

#include <kiln/io/format.h>
#include <kiln/io/json.h>
#include <kiln/tensor/fail.h>

namespace kiln::io {
namespace {

constexpr int64_t kIndexLimit = 256 << 20;
constexpr size_t kDepth = 100;
constexpr int64_t kHead = 512;

}  // namespace

bool is_index_file(std::string_view head, int64_t) { return head.starts_with('{'); }

// {"metadata": {...}, "weight_map": {"name of a tensor": "name of a file in the same folder"}}
Value read_index_file(const InputFile& file, const LoadOptions& options) {
  const std::string where = fmt::format("load: '{}'", file.path());
  if (file.size() > kIndexLimit)
    fail("{} has {} bytes, the limit of an index is {}", where, file.size(), kIndexLimit);
  const Value index = parse_json(file.read(0, file.size()), where, kDepth);
  const Value* map = index.find("weight_map");
  if (map == nullptr || !map->is_dict())
    fail("{} is JSON, but not an index of weights: it lacks 'weight_map'", where);
  const size_t slash = file.path().rfind('/');
  const std::string folder = slash == std::string::npos ? "" : file.path().substr(0, slash + 1);
  std::unordered_map<std::string, std::unordered_map<std::string, Value>> shards;
  std::vector<Value::Entry> entries;
  for (const auto& [name, shard_name] : map->entries()) {
    if (!shard_name.is_string()) fail("{} names no file for '{}'", where, name.text());
    const std::string& shard = shard_name.as_string();
    if (shard.empty() || shard == "." || shard == ".." ||
        shard.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
      fail("{} names the file '{}', which is not a plain name in its folder", where, shard);
    const auto [known, is_new] = shards.try_emplace(shard);
    if (is_new) {
      const InputFile shard_file(folder + shard);
      const std::string head = shard_file.read(0, std::min(kHead, shard_file.size()));
      if (is_index_file(head, shard_file.size()))
        fail("{} names '{}', which is an index itself", where, shard);
      const Value content = load(folder + shard, options);
      if (!content.is_dict()) fail("{} names '{}', which is not a dict of tensors", where, shard);
      for (const auto& [key, value] : content.entries()) known->second.emplace(to_string(key), value);
    }
    const auto found = known->second.find(name.text());
    if (found == known->second.end())
      fail("{} places '{}' in '{}', which does not have it", where, name.text(), shard);
    entries.push_back({name, found->second});
  }
  return Value::dict(std::move(entries));
}

}  // namespace kiln::io
