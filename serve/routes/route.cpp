#include <kiln/serve/routes/route.h>

#include <kiln/serve/page/page.h>
#include <kiln/serve/routes/metrics_text.h>
#include <kiln/serve/routes/state.h>
#include <kiln/serve/routes/table.h>

namespace kiln::serve::routes {
namespace {

struct Call {
  Service::State& state;
  Request request;
  Reply reply;
  PathParts parts;
};

// Which version a path below /v2/models names.
std::shared_ptr<Engine> engine_of(const Call& call) {
  const bool has_version = call.parts.size() > 3 && call.parts[3] == "versions";
  return call.state.engine(call.parts[2], has_version ? call.parts[4] : std::string_view());
}

// Answers by a worker; what it throws is the answer too. Batches wait for it.
template <class F>
void later(Call& call, F&& work) {
  const auto shared = std::make_shared<Request>(std::move(call.request));
  call.state.workers.post(
      [&state = call.state, shared, reply = call.reply, coming = call.state.batcher.announce(), work]() {
        try {
          if (!reply.is_cancelled()) work(state, *shared, reply);
        } catch (...) {
          reply.send(failure_response());
        }
      });
}

void begin_infer(Call& call) {
  later(call, [engine = engine_of(call)](Service::State& state, const Request& request, const Reply& reply) {
    infer(state, engine, request, reply);
  });
}

void begin_predict(Call& call) {
  later(call, [engine = call.state.engine()](Service::State& state, const Request& request,
                                             const Reply& reply) { predict(state, engine, request, reply); });
}

Response page(const Service::State&) {
  return {.type = "text/html; charset=utf-8", .body = page_text(), .fields = page_fields()};
}

Response metrics(const Service::State& state) {
  const std::shared_ptr<Engine> engine = state.deployment.current();
  return {.type = "text/plain; version=0.0.4; charset=utf-8",
          .body = metrics_text(state.telemetry, state.batcher.queued_rows(),
                               engine ? engine->info().name : "", engine ? engine->info().version : "")};
}

Response ready(const Service::State& state) {
  return {.body = R"({"ready":true,"live":true})", .version = state.engine()->info().version};
}

// GET answers HEAD too; the connection leaves the body out.
constexpr Route<Call> kRoutes[] = {
    {"GET", "/", [](Call& call) { call.reply.send(page(call.state)); }},
    {"GET", "/metrics", [](Call& call) { call.reply.send(metrics(call.state)); }},
    {"GET", "/about", [](Call& call) { call.reply.send(about(call.state)); }},
    {"GET", "/history", [](Call& call) { call.reply.send(history(call.state)); }},
    {"POST", "/predict", begin_predict},
    {"POST", "/rollback",
     [](Call& call) {
       later(call, [](Service::State& state, const Request& request, const Reply& reply) {
         reply.send(rollback(state, request));
       });
     }},
    {"GET", "/v2", [](Call& call) { call.reply.send(server_metadata()); }},
    {"GET", "/v2/health/live", [](Call& call) { call.reply.send({.body = R"({"live":true})"}); }},
    {"GET", "/v2/health/ready", [](Call& call) { call.reply.send(ready(call.state)); }},
    {"GET", "/v2/models/*", [](Call& call) { call.reply.send(model_metadata(*engine_of(call))); }},
    {"GET", "/v2/models/*/versions/*", [](Call& call) { call.reply.send(model_metadata(*engine_of(call))); }},
    {"GET", "/v2/models/*/ready", [](Call& call) { call.reply.send(model_ready(*engine_of(call))); }},
    {"GET", "/v2/models/*/versions/*/ready",
     [](Call& call) { call.reply.send(model_ready(*engine_of(call))); }},
    {"GET", "/v2/models/*/stats",
     [](Call& call) { call.reply.send(statistics(call.state, *engine_of(call))); }},
    {"GET", "/v2/models/*/versions/*/stats",
     [](Call& call) { call.reply.send(statistics(call.state, *engine_of(call))); }},
    {"POST", "/v2/models/*/infer", begin_infer},
    {"POST", "/v2/models/*/versions/*/infer", begin_infer},
    {"POST", "/v2/repository/index",
     [](Call& call) { call.reply.send(repository_index(call.state, call.request)); }},
    {"POST", "/v2/repository/models/*/load",
     [](Call& call) {
       later(call, [name = std::string(call.parts[3])](Service::State& state, const Request& request,
                                                       const Reply& reply) {
         reply.send(load(state, request, name));
       });
     }},
    {"POST", "/v2/repository/models/*/unload",
     [](Call& call) {
       later(call, [name = std::string(call.parts[3])](Service::State& state, const Request& request,
                                                       const Reply& reply) {
         unload(state, request, name, reply);
       });
     }},
};

}  // namespace

void route(Service::State& state, Request request, const Reply& reply) {
  if (request.path == "*") return reply.send(not_allowed("GET, HEAD, POST, OPTIONS", true));
  const std::string path = request.path;  // the parts are of it
  Call call = {state, std::move(request), reply, parts_of(path)};
  follow<Call>(kRoutes, call);
}

}  // namespace kiln::serve::routes
