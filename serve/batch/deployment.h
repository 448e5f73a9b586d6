#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <kiln/serve/batch/engine.h>
#include <kiln/serve/store/store.h>

namespace kiln::serve {

struct Telemetry;

// The model that is served, and one in its shadow. A request keeps the engine that it began with, so that a
// swap concerns the requests after it, and the old engine goes with its last request.
class Deployment {
 public:
  explicit Deployment(Telemetry& telemetry, int64_t rows) : telemetry_(telemetry), rows_(rows) {}

  // Null before the first swap, and after withdraw.
  std::shared_ptr<Engine> current() const;
  // The current one or the shadow, by its version; null for others.
  std::shared_ptr<Engine> find(std::string_view version) const;

  // Tests the engine, which warms it up, and puts it in place. When it fails, that is thrown and the old one
  // stays.
  void swap(std::shared_ptr<Engine> next);

  // Serves nothing until the next swap. `drained` is called, by any thread, when the last request that began
  // before has let go of the engine, and the deployment with it; at once when there is none.
  void withdraw(const Function<void()>& drained);
  // What was withdrawn and not replaced since; nothing while a model is served.
  struct Withdrawn {
    std::string name, version;
    bool is_drained = false;
  };
  std::optional<Withdrawn> withdrawn() const;

  // Answers a share of the requests (0 .. 1) too, for nobody but the counters of agreement. Null: none.
  void set_shadow(std::shared_ptr<Engine> shadow, double share);
  // The shadow, for the requests that are its share; else null.
  std::shared_ptr<Engine> next_shadow();
  std::shared_ptr<Engine> shadow() const;

 private:
  // What requests hold of a model: they have all ended when it goes.
  struct Served {
    explicit Served(std::shared_ptr<Engine> model) : engine(std::move(model)) {}
    ~Served();
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;

    std::shared_ptr<Engine> engine;
    std::vector<Function<void()>> drained;
  };

  Telemetry& telemetry_;
  int64_t rows_;
  mutable std::mutex mutex_;
  std::shared_ptr<Served> current_;
  std::weak_ptr<Served> leaving_;
  std::optional<Withdrawn> withdrawn_;
  std::shared_ptr<Engine> shadow_;
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
  // Withdraws what is served and looks no more, until resume, which looks at once.
  void pause(const Function<void()>& drained);
  std::string resume();
  const Store& store() const { return store_; }

 private:
  std::string follow();

  Store store_;
  Deployment& deployment_;
  Telemetry& telemetry_;
  LoadEngine load_;
  std::mutex mutex_;  // one look at a time
  std::string refused_, why_;
  bool is_paused_ = false;
  std::mutex stop_mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;
};

}  // namespace kiln::serve
