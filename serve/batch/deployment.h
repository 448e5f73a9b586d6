#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <kiln/serve/batch/engine.h>
#include <kiln/serve/store/store.h>

namespace kiln::serve {

struct Telemetry;

// The model that is served, and one in its shadow. A request keeps the engine that it began with, so that a
// swap concerns the requests after it, and the old engine goes with its last request.
class Deployment {
 public:
  explicit Deployment(Telemetry& telemetry, int64_t rows) : telemetry_(telemetry), rows_(rows) {}

  // Null before the first swap.
  std::shared_ptr<Engine> current() const;
  // The current one or the shadow, by its version; null for others.
  std::shared_ptr<Engine> find(std::string_view version) const;

  // Tests the engine, which warms it up, and puts it in place. When it fails, that is thrown and the old one
  // stays.
  void swap(std::shared_ptr<Engine> next);

  // Answers a share of the requests (0 .. 1) too, for nobody but the counters of agreement. Null: none.
  void set_shadow(std::shared_ptr<Engine> shadow, double share);
  // The shadow, for the requests that are its share; else null.
  std::shared_ptr<Engine> next_shadow();
  std::shared_ptr<Engine> shadow() const;

 private:
  Telemetry& telemetry_;
  int64_t rows_;
  mutable std::mutex mutex_;
  std::shared_ptr<Engine> current_, shadow_;
  double share_ = 0, due_ = 0;
};

// Makes an engine of a version.
using LoadEngine = Function<std::shared_ptr<Engine>(const Version& version)>;

// Keeps a deployment at what a store says is current. A version that cannot be loaded or fails its test is
// passed over, until another becomes current.
class Follower {
 public:
  // Serves what is current before it returns; throws when that cannot be.
  Follower(Store store, Deployment& deployment, Telemetry& telemetry, LoadEngine load,
           std::chrono::milliseconds interval);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // Looks at once; returns why the store's current version is not served, or "".
  std::string look();
  const Store& store() const { return store_; }

 private:
  std::string follow();

  Store store_;
  Deployment& deployment_;
  Telemetry& telemetry_;
  LoadEngine load_;
  std::mutex mutex_;  // one look at a time
  std::string refused_, why_;
  std::mutex stop_mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;
};

}  // namespace kiln::serve
