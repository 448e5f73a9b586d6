// The names of an archive's records.

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include <kiln/io/torch/torch_files.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

std::string lower(std::string_view name) {
  std::string result(name);
  for (char& c : result)
    if (is_upper(c)) c = char(c - 'A' + 'a');
  return result;
}

// A name that ends with '/' is all that is in that folder.
constexpr std::string_view kAlways[] = {"version",         ".data/version",      "byteorder",
                                        ".format_version", ".storage_alignment", ".data/serialization_id"};
constexpr std::string_view kOfPickle[] = {"data.pkl", "data/"};
constexpr std::string_view kOfScript[] = {"constants.pkl",
                                          "constants/",
                                          "code/",
                                          "extra/",
                                          "bytecode.pkl",
                                          "bytecode/",
                                          "mobile_debug_handles.pkl",
                                          "mobile_debug_handles/",
                                          "delegated_backends.debug_pkl",
                                          "callstack_debug_map.pkl",
                                          "traced_inputs.pkl",
                                          "traced_inputs/"};
constexpr std::string_view kOfModelJson[] = {"model.json", "tensors/", "code/",
                                             "debug/",     "extra/",   "attributes.pkl"};

bool is_among(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::any_of(
      names, [&](std::string_view one) { return one.ends_with('/') ? name.starts_with(one) : name == one; });
}

bool is_looked_for(std::string_view name) {
  return is_among(name, kAlways) || name == "data.pkl" || name == "constants.pkl" || name == "model.json";
}

bool is_known(std::string_view name, Content content) {
  if (content == Content::model_json) return is_among(name, kOfModelJson) || is_among(name, kAlways);
  return is_among(name, kOfPickle) || is_among(name, kAlways) ||
         (content == Content::script && is_among(name, kOfScript));
}

}  // namespace

void check_case(const ZipArchive& archive, const std::string& prefix) {
  std::unordered_set<std::string, TextHash> seen;
  for (const ZipArchive::Record& record : archive.records()) {
    const std::string_view name = record.name.substr(prefix.size());
    if (std::ranges::none_of(name, is_upper)) continue;
    const std::string other = lower(name);
    if (archive.find(prefix + other) != nullptr || is_looked_for(other) || !seen.insert(other).second)
      fail("{} is '{}{}' too for PyTorch, which does not tell upper from lower case", archive.where(record),
           prefix, shown_name(other));
  }
}

void warn_of_others(const ZipArchive& archive, const std::string& prefix, Content content,
                    const Source& source, const ReadOptions& options) {
  if (!options.warn) return;
  size_t count = 0;
  std::string_view first;
  for (const ZipArchive::Record& record : archive.records())
    if (!is_known(record.name.substr(prefix.size()), content) && count++ == 0) first = record.name;
  if (count > 0)
    options.warn(fmt::format("{}: {} of {} records are not looked at ('{}' is the first)", source.name(),
                             count, archive.records().size(), shown_name(first)));
}

}  // namespace kiln::io
