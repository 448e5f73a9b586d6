#pragma once

// Internal: what the routes share.

#include <memory>
#include <optional>

#include <kiln/serve/batch/batcher.h>
#include <kiln/serve/batch/deployment.h>
#include <kiln/serve/routes/http_error.h>
#include <kiln/serve/routes/service.h>
#include <kiln/serve/routes/workers.h>

namespace kiln::serve {

struct Service::State {
  explicit State(const ServiceOptions& wanted)
      : options(wanted),
        deployment(telemetry, wanted.batch.max_batch),
        workers(wanted.threads),
        batcher(wanted.batch, telemetry) {}
  // Those who give work to the batcher end before it, and get no more from it.
  ~State() { workers.stop(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // The served one. Throws 503 where there is none.
  std::shared_ptr<Engine> engine() const;
  // Throws 404 for a name that the model, served or unloaded, does not have.
  void check_name(std::string_view name) const;
  // By its name and perhaps version. Throws 404 and 503.
  std::shared_ptr<Engine> engine(std::string_view name, std::string_view version) const;

  ServiceOptions options;
  Telemetry telemetry;
  Deployment deployment;
  std::mutex loading;                         // one load or unload at a time
  Function<std::shared_ptr<Engine>()> again;  // makes a model that is not of a store; by `loading`
  std::unique_ptr<Follower> follower;
  Workers workers;
  Batcher batcher;
};

// One file of routes each. A route throws HttpError, or answers, later too.
namespace routes {

// models.cpp
Response server_metadata();
Response model_metadata(const Engine& engine);
Response model_ready(const Engine& engine);
Response statistics(const Service::State& state, const Engine& engine);

// repository.cpp
// The body as a dict, which an empty one stands for too. Throws HttpError.
Value object_in(const Request& request);
Response repository_index(const Service::State& state, const Request& request);
Response load(Service::State& state, const Request& request, std::string_view name);
void unload(Service::State& state, const Request& request, std::string_view name, const Reply& reply);

// compute.cpp: by a worker
void infer(Service::State& state, const std::shared_ptr<Engine>& engine, const Request& request,
           const Reply& reply);
void predict(Service::State& state, const std::shared_ptr<Engine>& engine, const Request& request,
             const Reply& reply);

// store.cpp
Response history(const Service::State& state);
Response about(const Service::State& state);
Response rollback(Service::State& state, const Request& request);
Follower& follower_of(const Service::State& state);
// Answers what is served after a look at the store, which gave `why` it is not the store's current version.
Response followed(const Service::State& state, const std::string& why);

}  // namespace routes
}  // namespace kiln::serve
