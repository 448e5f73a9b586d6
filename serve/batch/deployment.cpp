#include <kiln/serve/batch/deployment.h>

#include <kiln/serve/batch/telemetry.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve {

Deployment::Served::~Served() {
  engine.reset();
  for (const auto& tell : drained) tell();
}

std::shared_ptr<Engine> Deployment::current() const {
  const std::scoped_lock lock(mutex_);
  return current_ ? std::shared_ptr<Engine>(current_, current_->engine.get()) : nullptr;
}

std::shared_ptr<Engine> Deployment::shadow() const {
  const std::scoped_lock lock(mutex_);
  return shadow_;
}

std::shared_ptr<Engine> Deployment::find(std::string_view version) const {
  for (const auto& engine : {current(), shadow()})
    if (engine && engine->info().version == version) return engine;
  return nullptr;
}

void Deployment::swap(std::shared_ptr<Engine> next) {
  self_test(*next, rows_);
  auto served = std::make_shared<Served>(std::move(next));
  const std::scoped_lock lock(mutex_);
  telemetry_.swaps += current_ != nullptr;
  current_.swap(served);
  withdrawn_.reset();
}

void Deployment::withdraw(const Function<void()>& drained) {
  std::shared_ptr<Served> leaving;
  {
    const std::scoped_lock lock(mutex_);
    if (current_) {
      const ModelInfo& info = current_->engine->info();
      withdrawn_ = {.name = info.name, .version = info.version};
      leaving_ = current_;
      leaving.swap(current_);
    } else {
      leaving = leaving_.lock();
    }
    if (leaving) leaving->drained.push_back(drained);
  }
  if (!leaving) drained();
}

std::optional<Deployment::Withdrawn> Deployment::withdrawn() const {
  const std::scoped_lock lock(mutex_);
  std::optional<Withdrawn> found = withdrawn_;
  if (found) found->is_drained = leaving_.expired();
  return found;
}

void Deployment::set_shadow(std::shared_ptr<Engine> shadow, double share) {
  if (!(share >= 0 && share <= 1)) fail("shadow: a share of {}; give one from 0 to 1", share);
  if (shadow) self_test(*shadow, rows_);
  const std::scoped_lock lock(mutex_);
  shadow_.swap(shadow);
  share_ = share;
  due_ = 0;
}

std::shared_ptr<Engine> Deployment::next_shadow() {
  const std::scoped_lock lock(mutex_);
  if (!shadow_) return nullptr;
  due_ += share_;
  if (due_ < 1) return nullptr;
  due_ -= 1;
  return shadow_;
}

Follower::Follower(Store store, Deployment& deployment, Telemetry& telemetry, LoadEngine load,
                   std::chrono::milliseconds interval)
    : store_(std::move(store)), deployment_(deployment), telemetry_(telemetry), load_(std::move(load)) {
  if (const std::string why = look(); !why.empty()) throw Error(why);
  thread_ = std::jthread([this, interval](const std::stop_token& stop) {
    std::unique_lock lock(stop_mutex_);
    while (!changed_.wait_for(lock, stop, interval, [] { return false; }) && !stop.stop_requested()) look();
  });
}

Follower::~Follower() = default;

void Follower::pause(const Function<void()>& drained) {
  const std::scoped_lock lock(mutex_);
  is_paused_ = true;
  deployment_.withdraw(drained);
}

std::string Follower::resume() {
  {
    const std::scoped_lock lock(mutex_);
    is_paused_ = false;
    refused_.clear();  // what could not be served may be mended
  }
  return look();
}

std::string Follower::look() {
  const std::scoped_lock lock(mutex_);
  if (is_paused_) return "";
  try {
    return follow();
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string Follower::follow() {
  const std::optional<Version> version = store_.current();
  if (!version) fail("store: nothing in '{}' is current; promote a version", store_.folder());
  const std::shared_ptr<Engine> served = deployment_.current();
  if (served && served->info().version == version->id) {
    refused_.clear();
    return "";
  }
  if (refused_ == version->id) return why_;
  try {
    store_.check(*version);
    deployment_.swap(load_(*version));
    return "";
  } catch (const std::exception& error) {
    refused_ = version->id;
    why_ = error.what();
    ++telemetry_.refused_versions;
    if (served)
      fmt::print(stderr, "version {} is refused, {} stays: {}\n", short_id(version->id),
                 short_id(served->info().version), why_);
    return why_;
  }
}

}  // namespace kiln::serve
