#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <kiln/serve/batch/engine.h>
#include <kiln/serve/batch/options.h>
#include <kiln/serve/http/message.h>
#include <kiln/serve/store/store.h>

namespace kiln::serve {

struct ServiceOptions {
  BatchOptions batch = {};
  int threads = 2;    // that read bodies and decode pictures
  std::string token;  // for what changes the served version; "": only this machine may
  Function<void(const std::string& line)> log = {};  // a JSON object for each answer, without what was sent
};

// On how many samples the shadow chose the class that was served.
struct Agreement {
  int64_t agreed = 0, differed = 0;
};

// A model behind routes: the Open Inference Protocol (KServe v2) by REST, POST /predict for pictures,
// /metrics, the page (docs/serving.md).
//
//     #include <kiln/serve/http/server.h>
//     #include <kiln/serve/network.h>
//
//     serve::Service service({.batch = {.max_batch = 16}});
//     service.serve(serve::load_network("run/best.kiln"));
//     serve::Server server({.port = 8080}, [&](serve::Request request, const serve::Reply& reply) {
//       service.handle(std::move(request), reply);
//     });
//
// The server goes before the service.
class Service {
 public:
  explicit Service(const ServiceOptions& options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Puts a model in place of the served one, after a self-test. Throws when that fails; then the old one
  // stays. When a client with authority lets it be unloaded and loaded again, `again` makes it anew; without,
  // the engine is kept for that.
  void serve(std::shared_ptr<Engine> engine, Function<std::shared_ptr<Engine>()> again = {});
  // Serves what is current in the store, now and whenever that changes. Throws when it cannot be served now.
  // `load` makes an engine of a version and says its id as ModelInfo::version.
  using Load = Function<std::shared_ptr<Engine>(const Version& version)>;
  void follow(const Store& store, Load load,
              std::chrono::milliseconds interval = std::chrono::milliseconds(200));
  // Lets another model answer a share of the requests too (0 .. 1); agreement is counted in /metrics.
  void set_shadow(std::shared_ptr<Engine> shadow, double share);
  Agreement agreement() const;

  // Answers a request; any thread.
  void handle(Request request, const Reply& reply);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace kiln::serve
