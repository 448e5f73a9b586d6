#include <kiln/serve/routes/route.h>

#include <algorithm>

#include <kiln/serve/page/page.h>
#include <kiln/serve/routes/metrics_text.h>
#include <kiln/serve/routes/state.h>

namespace kiln::serve::routes {
namespace {

using Parts = std::vector<std::string_view>;

// "/v2/models/m" as v2, models, m.
Parts parts_of(std::string_view path) {
  Parts parts;
  while (!path.empty()) {
    path.remove_prefix(1);
    parts.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(parts.back().size());
  }
  return parts;
}

// "*" stands for any part that is not empty.
bool matches(const Parts& parts, const char* pattern) {
  const Parts wanted = parts_of(pattern);
  return std::ranges::equal(parts, wanted, [](std::string_view part, std::string_view want) {
    return want == "*" ? !part.empty() : part == want;
  });
}

struct Call {
  Service::State& state;
  Request request;
  Reply reply;
  Parts parts;
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
        } catch (const HttpError& error) {
          reply.send(response_of(error));
        } catch (const std::bad_alloc&) {
          reply.send(error_response(503, "the server has no memory for this request"));
        } catch (const std::exception&) {
          reply.send(error_response(500, "the server failed"));
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

struct Route {
  const char* method;
  const char* pattern;
  void (*answer)(Call& call);
};

// GET answers HEAD too; the connection leaves the body out.
constexpr Route kRoutes[] = {
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

// What there is but not by this method.
[[noreturn]] void no_route() { refuse(404, "there is nothing here; docs/serving.md has the routes"); }

Response not_allowed(const std::string& allowed, bool is_question) {
  Response response =
      is_question ? Response{.status = 204} : error_response(405, "this is there by " + allowed);
  response.fields = {{"Allow", allowed}};
  return response;
}

}  // namespace

void route(Service::State& state, Request request, const Reply& reply) {
  if (request.path == "*") return reply.send(not_allowed("GET, HEAD, POST, OPTIONS", true));
  const std::string path = request.path;  // the parts are of it
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  Call call = {state, std::move(request), reply, parts_of(path)};
  std::string allowed;
  for (const Route& route : kRoutes) {
    if (!matches(call.parts, route.pattern)) continue;
    if (method == route.method) return route.answer(call);
    allowed += std::string(allowed.empty() ? "" : ", ") +
               (route.method == std::string("GET") ? "GET, HEAD" : route.method);
  }
  if (allowed.empty()) no_route();
  reply.send(not_allowed(allowed + ", OPTIONS", method == "OPTIONS"));
}

}  // namespace kiln::serve::routes
