#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <kiln/io/bytes/json.h>
#include <kiln/io/format.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {
namespace {

constexpr int64_t kIndexLimit = 256 << 20;
constexpr size_t kDepth = 100;
constexpr int64_t kHead = 512;

struct Shard {
  std::string name;
  int64_t bytes;
};

// f(), whose Errors then name the index too.
template <class F>
void naming_both(const std::string& where, const std::string& shard, F&& f) {
  constexpr std::string_view kBegin = "load: ";
  try {
    f();
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (!text.starts_with(kBegin)) throw;
    fail("{} names '{}': {}", where, shard, text.substr(kBegin.size()));
  }
}

// The files that the map names, each once, in its order.
std::vector<Shard> shards_of(const Value& map, const std::string& folder, const std::string& where) {
  std::unordered_set<std::string_view, TextHash> known;
  std::vector<Shard> shards;
  for (const auto& [name, file_name] : map.entries()) {
    if (!file_name.is_string()) fail("{} names no file for '{}'", where, name.text());
    const std::string& shard = file_name.as_string();
    if (shard.empty() || shard == "." || shard == ".." ||
        shard.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
      fail("{} names the file '{}', which is not a plain name in its folder", where, shard);
    if (!known.insert(shard).second) continue;
    naming_both(where, shard, [&] {
      const InputFile file(folder + shard);
      if (is_index_file(file.read(0, std::min(kHead, file.size())), file.size()))
        fail("load: it is an index itself");
      shards.push_back({shard, file.size()});
    });
  }
  return shards;
}

}  // namespace

bool is_index_file(std::string_view head, int64_t) { return head.starts_with('{'); }

// {"metadata": {...}, "weight_map": {"name of a tensor": "name of a file in the same folder"}}
Value read_index_file(const InputFile& file, const ReadOptions& options) {
  const std::string where = fmt::format("load: '{}'", file.path());
  if (file.size() > kIndexLimit)
    fail("{} has {} bytes, the limit of an index is {}", where, file.size(), kIndexLimit);
  const Value index = parse_json(file.read(0, file.size()), where, kDepth);
  const Value* map = index.find("weight_map");
  if (map == nullptr || !map->is_dict())
    fail("{} is JSON, but not an index of weights: it lacks 'weight_map'", where);
  const size_t slash = file.path().rfind('/');
  const std::string folder = slash == std::string::npos ? "" : file.path().substr(0, slash + 1);
  const std::vector<Shard> shards = shards_of(*map, folder, where);
  int64_t total = 0, before = 0;
  for (const Shard& shard : shards) total += shard.bytes;
  std::unordered_map<std::string_view, std::unordered_map<std::string, Value, TextHash>, TextHash> contents;
  std::unordered_map<std::string_view, std::string_view, TextHash> places;
  for (const auto& [name, shard] : map->entries()) places.emplace(name.text(), shard.as_string());
  size_t unnamed = 0;
  std::string first;
  for (const Shard& shard : shards) {
    ReadOptions reading = options;
    if (options.progress)
      reading.progress = [&options, before, total](int64_t done, int64_t) {
        options.progress(before + done, total);
      };
    Value content;
    naming_both(where, shard.name, [&] { content = read_any_file(InputFile(folder + shard.name), reading); });
    if (!content.is_dict()) fail("{} names '{}', which is not a dict of tensors", where, shard.name);
    for (auto& [key, value] : content.entries()) {
      const auto [kept, is_new] = contents[shard.name].emplace(to_string(key), std::move(value));
      if (is_new && places.contains(kept->first)) continue;
      if (unnamed++ == 0) first = fmt::format("'{}' of '{}'", kept->first, shard.name);
    }
    before += shard.bytes;
  }
  if (options.progress) options.progress(total, total);
  if (options.outline != nullptr) {
    const Value* metadata = index.find("metadata");
    options.outline->metadata = metadata != nullptr ? *metadata : Value();
  }
  for (const Shard& shard : shards)
    for (const auto& [name, value] : contents[shard.name])
      if (const auto place = places.find(name); place != places.end() && place->second != shard.name)
        fail("{} places '{}' in '{}', and '{}' has it too", where, name, place->second, shard.name);
  if (unnamed > 0 && options.warn)
    options.warn(
        fmt::format("{}: {} of the values in its files {} not named by it and left out, {} is the first",
                    where, unnamed, unnamed == 1 ? "is" : "are", first));
  std::vector<Value::Entry> entries;
  for (const auto& [name, shard] : map->entries()) {
    const auto& content = contents[shard.as_string()];
    const auto found = content.find(name.text());
    if (found == content.end())
      fail("{} places '{}' in '{}', which does not have it", where, name.text(), shard.as_string());
    entries.push_back({name, found->second});
  }
  return Value::dict(std::move(entries));
}

}  // namespace kiln::io
