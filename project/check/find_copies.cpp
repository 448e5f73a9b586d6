#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <kiln/project/check/find.h>
#include <kiln/project/check/similar.h>

namespace kiln::project {
namespace {

using Level = Finding::Level;
using Group = std::vector<size_t>;

constexpr size_t kNamed = 4;  // of a group in a sentence

std::vector<std::string> files_of(const data::Annotations& set, const Group& group) {
  std::vector<std::string> files;
  for (const size_t i : group) files.push_back(set.images[i].path);
  return files;
}

std::string names_of(const std::vector<std::string>& files) {
  std::string text;
  for (size_t i = 0; i < files.size() && i < kNamed; ++i)
    text += (i == 0 ? "" : i + 1 == files.size() ? " and " : ", ") + files[i];
  return files.size() > kNamed ? text + fmt::format(" and {} more", files.size() - kNamed) : text;
}

std::string splits_of(const data::Annotations& set, const Group& group) {
  std::set<std::string> splits;
  for (const size_t i : group) splits.insert(set.images[i].split);
  return splits.size() < 2 ? "" : fmt::format("{}", fmt::join(splits, " and "));
}

bool labels_differ(const data::Annotations& set, const Group& group) {
  return std::ranges::any_of(group,
                             [&](size_t i) { return set.images[i].labels != set.images[group[0]].labels; });
}

void tell(const data::Annotations& set, const Group& group, const char* what, const char* kind,
          Check& check) {
  const std::vector<std::string> files = files_of(set, group);
  const std::string splits = splits_of(set, group), names = names_of(files);
  if (!splits.empty())
    check.findings.push_back(
        {Level::error, "leak", fmt::format("{} are {}, in the splits {}", names, what, splits), files});
  if (labels_differ(set, group))
    check.findings.push_back(
        {Level::error, "contradiction", fmt::format("{} are {}, with different labels", names, what), files});
  if (splits.empty())
    check.findings.push_back({Level::warning, kind, fmt::format("{} are {}", names, what), files});
}

}  // namespace

void find_copies(const data::Annotations& set, const std::vector<PictureFacts>& facts, bool look_alike,
                 Check& check) {
  const std::vector<Group> same = same_bytes(facts);
  for (const Group& group : same) tell(set, group, "the same file", "duplicates", check);
  if (!look_alike) return;
  std::set<Group> told(same.begin(), same.end());
  for (const Group& group : similar(facts))
    if (!told.contains(group)) tell(set, group, "nearly the same picture", "near duplicates", check);
}

}  // namespace kiln::project
