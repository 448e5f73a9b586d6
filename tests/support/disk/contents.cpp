#include "support/disk/contents.h"

#include <algorithm>
#include <set>

namespace kiln::test {
namespace {

using Kind = Change::Kind;
constexpr size_t kSector = 512, kPage = 4096;

// Where a write may be cut, as bytes of it that are there.
std::set<size_t> cuts(const Change& write) {
  const size_t begin = size_t(write.at), length = write.bytes.size();
  std::set<size_t> result = {1, length / 2, length - 1};
  // The first and last borders of sectors and pages; those between differ in nothing.
  for (const size_t unit : {kSector, kPage})
    for (const size_t border : {begin / unit * unit + unit, (begin + length - 1) / unit * unit})
      if (border > begin && border < begin + length) result.insert(border - begin);
  std::erase_if(result, [&](size_t cut) { return cut == 0 || cut >= length; });
  return result;
}

Change zeros(Change write) {
  std::ranges::fill(write.bytes, '\0');
  return write;
}

// Sectors of the old content (zeros behind its end) and of the new one, in one of some sizes.
std::string mixture(const std::string& old, const std::string& whole, std::mt19937_64& random) {
  std::string bytes = old;
  const size_t sizes[] = {whole.size(), whole.size(), old.size(), size_t(random()) % (whole.size() + 1)};
  bytes.resize(std::max(old.size(), sizes[random() % std::size(sizes)]));
  const uint64_t threshold = random();  // from nearly none to nearly all
  for (size_t at = 0; at < std::min(bytes.size(), whole.size()); at += kSector) {
    if (random() > threshold) continue;
    const size_t length = std::min({kSector, bytes.size() - at, whole.size() - at});
    bytes.replace(at, length, whole, at, length);
  }
  return bytes;
}

}  // namespace

void put(std::string& bytes, const Change& change) {
  if (change.kind == Kind::reserve) {
    bytes.resize(std::max(bytes.size(), size_t(change.at)));
    return;
  }
  bytes.resize(std::max(bytes.size(), size_t(change.at) + change.bytes.size()));
  bytes.replace(size_t(change.at), change.bytes.size(), change.bytes);
}

namespace {

// Each change in turn goes wrong, and those after it are not there, or all are.
void add_cut(std::vector<std::string>& result, const std::string& synced,
             const std::vector<Change>& pending) {
  std::string before = synced;
  for (size_t i = 0; i < pending.size(); ++i) {
    const Change& change = pending[i];
    std::string missing = before, blank = before;
    if (change.kind == Kind::write) {
      put(blank, zeros(change));
      for (const size_t cut : cuts(change)) {
        Change part = change;
        part.bytes.resize(cut);
        std::string bytes = before;
        put(bytes, part);
        result.push_back(bytes);
        part.bytes.resize(change.bytes.size());  // the size is there, the rest is zeros
        put(bytes, part);
        result.push_back(std::move(bytes));
      }
    }
    for (size_t j = i + 1; j < pending.size(); ++j) {
      put(missing, pending[j]);
      put(blank, pending[j]);
    }
    result.push_back(before);
    result.push_back(std::move(missing));
    result.push_back(std::move(blank));
    put(before, change);
  }
}

}  // namespace

std::vector<std::string> possible_contents(const std::string& synced, const std::vector<Change>& pending,
                                           int torn, std::mt19937_64& random) {
  std::vector<std::string> result = {synced};
  if (pending.empty()) return result;
  std::string whole = synced;
  for (const Change& change : pending) {
    if (&change == &pending.back()) result.push_back(whole);
    put(whole, change);
  }
  result.push_back(synced);  // what was synced stays, also where a file is appended to
  result.back().resize(std::max(synced.size(), whole.size()));
  if (torn > 0) add_cut(result, synced, pending);
  for (int i = 0; i < torn; ++i) result.push_back(mixture(synced, whole, random));
  result.push_back(std::move(whole));
  return result;
}

}  // namespace kiln::test
