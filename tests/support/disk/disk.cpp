#include "support/disk/disk.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string_view>

#include <kiln/io/bytes/folder.h>

#include "support/disk/contents.h"

namespace kiln::test {
namespace {

using Kind = Change::Kind;

std::string parent_of(const std::string& path) {
  const std::string folder = io::folder_of(path);
  return folder == "." ? "" : folder;
}

bool share_a_name(const Change& a, const Change& b) {
  const auto is_of = [](const Change& change, const std::string& name) {
    return change.path == name || (change.kind == Kind::rename && change.to == name);
  };
  return is_of(a, b.path) || (b.kind == Kind::rename && is_of(a, b.to));
}

}  // namespace

Content::Content(std::string text) : bytes(std::move(text)), hash(std::hash<std::string_view>()(bytes)) {}

uint64_t DiskState::hash(Temporaries count) const {
  constexpr std::string_view kEnding = ".tmp";
  uint64_t sum = 0;
  const auto add = [&](std::string_view path, uint64_t content) {
    constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;
    if (path.ends_with(kEnding)) {
      if (count == Temporaries::nothing) return;
      if (count == Temporaries::names) content = 0;
      path = path.substr(0, path.rfind('.', path.size() - kEnding.size() - 1));
    }
    sum = (sum ^ std::hash<std::string_view>()(path)) * kOdd;
    sum = (sum ^ (sum >> 29) ^ content) * kOdd;
  };
  for (const auto& [path, content] : files) add(path, content->hash);
  for (const std::string& path : folders) add(path, 1);
  return sum;
}

void Disk::apply(const Change& change) {
  switch (change.kind) {
    case Kind::create:
      files_.emplace_back();
      [[fallthrough]];
    case Kind::make_folder:
    case Kind::rename:
    case Kind::remove:
      if (change.kind == Kind::rename && parent_of(change.path) != parent_of(change.to))
        throw std::logic_error("a rename from folder to folder is not modelled");
      pending_.push_back(change);
      break;
    case Kind::write:
    case Kind::reserve: {
      File& file = files_.at(size_t(change.file));
      file.pending.push_back(change);
      file.variants.clear();
      break;
    }
    case Kind::sync_file: {
      File& file = files_.at(size_t(change.file));
      for (const Change& pending : file.pending) put(file.synced, pending);
      file.pending.clear();
      file.variants.clear();
      break;
    }
    case Kind::sync_folder: {
      const auto is_here = [&](const Change& pending) { return parent_of(pending.path) == change.path; };
      for (const Change& pending : pending_)
        if (is_here(pending)) change_names(synced_, pending, Part::whole);
      std::erase_if(pending_, is_here);
      break;
    }
    case Kind::begins:
    case Kind::ends:
      break;
  }
}

void Disk::change_names(Names& names, const Change& change, Part part) {
  if (part == Part::none) return;
  switch (change.kind) {
    case Kind::create:
      names[change.path] = change.file;
      break;
    case Kind::make_folder:
      names[change.path] = -1;
      break;
    case Kind::remove:
      names.erase(change.path);
      break;
    case Kind::rename:
      names[change.to] = names.at(change.path);
      if (part == Part::whole) names.erase(change.path);
      break;
    default:
      throw std::logic_error("no change of names");
  }
}

// A change without an earlier one of the same name is not.
bool Disk::is_possible(const std::vector<Part>& parts) const {
  for (size_t i = 0; i < parts.size(); ++i)
    for (size_t j = 0; j < i && parts[i] != Part::none; ++j)
      if (parts[j] == Part::none && share_a_name(pending_[j], pending_[i])) return false;
  return true;
}

// Every one as long as they are few, else some.
void Disk::each_choice(const std::function<void(const std::vector<Part>&)>& look) {
  constexpr size_t kMost = 7;  // 3^7 choices
  constexpr int kSome = 1000;
  const size_t count = pending_.size();
  std::vector<Part> parts(count);
  const auto ways = [&](size_t i) { return pending_[i].kind == Kind::rename ? 3 : 2; };
  if (count > kMost) {
    for (int round = 0; round < kSome; ++round) {
      for (size_t i = 0; i < count; ++i) parts[i] = Part(below(size_t(ways(i))));
      if (is_possible(parts)) look(parts);
    }
    std::ranges::fill(parts, Part::whole);
    return look(parts);
  }
  for (;;) {
    if (is_possible(parts)) look(parts);
    size_t i = 0;
    for (; i < count && int(parts[i]) + 1 == ways(i); ++i) parts[i] = Part::none;
    if (i == count) return;
    parts[i] = Part(int(parts[i]) + 1);
  }
}

// What lies in a folder that is not there is not there.
DiskState Disk::state(const Names& names, const std::map<int, ContentRef>& contents) const {
  DiskState state;
  for (const auto& [path, file] : names) {
    const std::string parent = parent_of(path);
    if (!parent.empty() && std::ranges::find(state.folders, parent) == state.folders.end()) continue;
    if (file < 0)
      state.folders.push_back(path);
    else
      state.files[path] = contents.at(file);
  }
  return state;
}

DiskState Disk::now() const {
  Names names = synced_;
  for (const Change& change : pending_) change_names(names, change, Part::whole);
  std::map<int, ContentRef> contents;
  for (size_t i = 0; i < files_.size(); ++i) {
    std::string bytes = files_[i].synced;
    for (const Change& change : files_[i].pending) put(bytes, change);
    contents[int(i)] = std::make_shared<Content>(std::move(bytes));
  }
  return state(names, contents);
}

const std::vector<ContentRef>& Disk::variants(File& file) {
  if (file.variants.empty())
    for (std::string& bytes : possible_contents(file.synced, file.pending, torn_, random_))
      file.variants.push_back(std::make_shared<Content>(std::move(bytes)));
  return file.variants;
}

// Each file that is not synced in all its variants, while the others are whole, or nothing of them is there;
// and some where all are anything.
void Disk::each_content(const Names& names, const std::function<void(const DiskState&)>& look) {
  std::set<int> open;
  std::map<int, ContentRef> whole, synced;
  for (const auto& [path, number] : names) {
    if (number < 0) continue;
    const std::vector<ContentRef>& all = variants(files_[size_t(number)]);
    if (all.size() > 1) open.insert(number);
    synced[number] = all.front();
    whole[number] = all.back();
  }
  if (open.empty()) return look(state(names, whole));
  for (const int number : open)
    for (const ContentRef& variant : variants(files_[size_t(number)]))
      for (const auto* others : {&whole, &synced}) {
        std::map<int, ContentRef> contents = *others;
        contents[number] = variant;
        look(state(names, contents));
        if (open.size() == 1) break;
      }
  for (int round = 0; open.size() > 1 && round < torn_; ++round) {
    std::map<int, ContentRef> contents = whole;
    for (const int number : open) {
      const std::vector<ContentRef>& all = variants(files_[size_t(number)]);
      contents[number] = all[below(all.size())];
    }
    look(state(names, contents));
  }
}

void Disk::each_state(const std::function<void(const DiskState&)>& look) {
  each_choice([&](const std::vector<Part>& parts) {
    Names names = synced_;
    for (size_t i = 0; i < parts.size(); ++i) change_names(names, pending_[i], parts[i]);
    each_content(names, look);
  });
}

}  // namespace kiln::test
