#include <kiln/serve/routes/service.h>

#include <kiln/io/bytes/json.h>
#include <kiln/serve/page/page.h>
#include <kiln/serve/routes/metrics_text.h>
#include <kiln/serve/routes/route.h>
#include <kiln/serve/routes/state.h>
#include <kiln/serve/routes/table.h>
#include <kiln/serve/store/history.h>

namespace kiln::serve {
namespace {

int64_t microseconds_since(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count();
}

// What the log says of a request, in full before it is handled.
std::string log_line(const Request& request, const Response& response, int64_t total_us, size_t body_bytes) {
  return fmt::format(
      R"({{"time":"{}","peer":{},"method":{},"path":{},"status":{},"bytes_in":{},"bytes_out":{},"ms":{:.3f},"queue_ms":{:.3f},"compute_ms":{:.3f},"version":{}}})",
      time_text(), io::json_string(request.peer), io::json_string(request.method),
      io::json_string(request.path), response.status, body_bytes, response.body.size(),
      double(total_us) / 1000, double(response.queue_us) / 1000, double(response.compute_us) / 1000,
      io::json_string(response.version));
}

// Answers go by here, to be counted and logged.
Reply counted(Service::State& state, const Request& request, const Reply& reply) {
  Request about = {.method = request.method, .path = request.path, .peer = request.peer};
  const auto send = [&state, about = std::move(about), reply, begin = Clock::now(),
                     bytes = request.body.size()](Response response) {
    const int64_t total_us = microseconds_since(begin);
    constexpr int kClientLeft = 499;  // nginx's number for it
    if (reply.is_cancelled()) response.status = kClientLeft;
    ++state.telemetry.by_status[size_t(response.status)];
    state.telemetry.total_us.add(total_us);
    if (state.options.log) state.options.log(log_line(about, response, total_us, bytes));
    reply.send(std::move(response));
  };
  return Reply(send, [reply] { return reply.is_cancelled(); });
}

}  // namespace

std::shared_ptr<Engine> Service::State::engine() const {
  std::shared_ptr<Engine> served = deployment.current();
  constexpr int kSeconds = 5;
  if (!served)
    throw HttpError(503, deployment.withdrawn() ? "the model is unloaded" : "no model is served yet",
                    kSeconds);
  return served;
}

void Service::State::check_name(std::string_view name) const {
  const std::shared_ptr<Engine> served = deployment.current();
  const std::optional<Deployment::Withdrawn> withdrawn = deployment.withdrawn();
  if (served ? served->info().name != name : withdrawn && withdrawn->name != name)
    refuse(404, "there is no such model");
}

std::shared_ptr<Engine> Service::State::engine(std::string_view name, std::string_view version) const {
  check_name(name);
  std::shared_ptr<Engine> served = engine();
  if (version.empty()) return served;
  std::shared_ptr<Engine> found = deployment.find(version);
  if (!found) refuse(404, "this version is not served");
  return found;
}

Service::Service(const ServiceOptions& options) : state_(std::make_unique<State>(options)) {}
Service::~Service() = default;

void Service::serve(std::shared_ptr<Engine> engine, Function<std::shared_ptr<Engine>()> again) {
  const std::scoped_lock lock(state_->loading);
  state_->deployment.swap(engine);
  if (again)
    state_->again = std::move(again);
  else
    state_->again = [engine = std::move(engine)] { return engine; };
}

void Service::follow(const Store& store, Load load, std::chrono::milliseconds interval) {
  state_->follower =
      std::make_unique<Follower>(store, state_->deployment, state_->telemetry, std::move(load), interval);
}

void Service::set_shadow(std::shared_ptr<Engine> shadow, double share) {
  state_->deployment.set_shadow(std::move(shadow), share);
}

Agreement Service::agreement() const {
  return {.agreed = state_->telemetry.shadow_agreed, .differed = state_->telemetry.shadow_differed};
}

void Service::handle(Request request, const Reply& outer) {
  const Reply reply = counted(*state_, request, outer);
  try {
    routes::route(*state_, std::move(request), reply);
  } catch (...) {
    reply.send(failure_response());
  }
}

}  // namespace kiln::serve
