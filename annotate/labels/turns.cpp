#include <kiln/annotate/labels/turns.h>

#include <algorithm>

namespace kiln::annotate {
namespace {

constexpr size_t kMost = 1000;

}  // namespace

void Turns::forget() {
  const Clock::time_point last = Clock::now() - patience_;
  std::erase_if(known_, [&](const Known& one) { return one.heard < last; });
  if (known_.size() > kMost) known_.erase(known_.begin());
}

Turns::Known& Turns::known(const std::string& client) {
  forget();
  const auto found = std::ranges::find(known_, client, &Known::client);
  if (found != known_.end()) return *found;
  Known one;
  one.client = client;
  known_.push_back(one);
  return known_.back();
}

bool Turns::is_at(const std::string& client, const std::string& who, const std::string& picture) {
  const std::scoped_lock lock(mutex_);
  Known& one = known(client);
  one.heard = Clock::now();
  const bool changes = one.who != who || (!picture.empty() && one.picture != picture);
  one.who = who;
  if (!picture.empty()) one.picture = picture;
  return changes;
}

void Turns::promise(const std::string& client, const std::string& picture) {
  const std::scoped_lock lock(mutex_);
  Known& one = known(client);
  one.heard = Clock::now();
  one.ahead = picture;
}

bool Turns::is_taken(const std::string& picture, const std::string& client) {
  const std::scoped_lock lock(mutex_);
  forget();
  return std::ranges::any_of(known_, [&](const Known& one) {
    return one.client != client && (one.picture == picture || one.ahead == picture);
  });
}

std::vector<Turns::Place> Turns::others(const std::string& client) {
  const std::scoped_lock lock(mutex_);
  forget();
  std::vector<Place> found;
  for (const Known& one : known_)
    if (one.client != client && !one.picture.empty()) found.push_back(one);
  return found;
}

}  // namespace kiln::annotate
