#include <kiln/annotate/page/page.h>
#include <kiln/annotate/routes/state.h>
#include <kiln/serve/page/page.h>
#include <kiln/serve/routes/ranges.h>
#include <kiln/serve/routes/table.h>

namespace kiln::annotate::routes {
namespace {

constexpr serve::Range kNumber = {"since or count", -1, int64_t(1) << 53};
constexpr serve::Range kSeconds = {"wait", 0, 60};

struct Call {
  Annotator::State& state;
  serve::Request request;
  serve::Reply reply;
  serve::PathParts parts;

  std::string part(size_t i) const { return std::string(parts[i]); }
};

// Answers by a worker; what it throws is the answer too.
template <class F>
void later(Call& call, serve::Workers& workers, F&& work) {
  const auto shared = std::make_shared<serve::Request>(std::move(call.request));
  workers.post([&state = call.state, shared, reply = call.reply, work] {
    try {
      if (!reply.is_cancelled()) reply.send(work(state, *shared));
    } catch (...) {
      reply.send(serve::failure_response());
    }
  });
}

void wait_for_news(Call& call) {
  const auto number = [&](const char* name, const serve::Range& range, int64_t usual) {
    const std::string text = call.request.parameter(name);
    return text.empty() ? usual : serve::number_in_range(range, text);
  };
  const int64_t since = number("since", kNumber, 0), seen = number("count", kNumber, -1);
  const std::chrono::seconds time(number("wait", kSeconds, 0));
  constexpr size_t kLongest = 100;
  const auto short_text = [&](const char* name) { return call.request.parameter(name).substr(0, kLongest); };
  const std::string client = short_text("client"), picture = short_text("picture");
  if (!client.empty() && call.state.turns.is_at(client, short_text("who"), picture))
    call.state.news.happened();
  call.state.news.wait(seen, time, call.reply,
                       [&state = call.state, since, client] { return news_text(state, since, client); });
}

using serve::Request;
using State = Annotator::State;

constexpr serve::Route<Call> kRoutes[] = {
    {"GET", "/",
     [](Call& call) {
       call.reply.send(
           {.type = "text/html; charset=utf-8", .body = page_text(), .fields = serve::page_fields()});
     }},
    {"POST", "/api/login", [](Call& call) { call.reply.send(login(call.state, call.request)); }},
    {"GET", "/api", [](Call& call) { call.reply.send(about(call.state)); }},
    {"GET", "/api/classes", [](Call& call) { call.reply.send(class_list(call.state)); }},
    {"GET", "/api/news", wait_for_news},
    {"GET", "/api/pictures",
     [](Call& call) {
       later(call, call.state.writers, [](State& state, const Request&) { return pictures(state); });
     }},
    {"GET", "/api/picture/*",
     [](Call& call) {
       later(call, call.state.painters,
             [id = call.part(2)](State& state, const Request& request) { return show(state, id, request); });
     }},
    {"GET", "/api/labels",
     [](Call& call) {
       later(call, call.state.writers, [](State& state, const Request&) { return labels_file(state); });
     }},
    {"GET", "/api/labels/*",
     [](Call& call) {
       later(call, call.state.writers,
             [id = call.part(2)](State& state, const Request&) { return labels_of(state, id); });
     }},
    {"PUT", "/api/labels/*",
     [](Call& call) {
       later(call, call.state.writers, [id = call.part(2)](State& state, const Request& request) {
         return change(state, id, request);
       });
     }},
    {"POST", "/api/undo",
     [](Call& call) {
       later(call, call.state.writers,
             [](State& state, const Request& request) { return step(state, request, true); });
     }},
    {"POST", "/api/redo",
     [](Call& call) {
       later(call, call.state.writers,
             [](State& state, const Request& request) { return step(state, request, false); });
     }},
    {"POST", "/api/classes", [](Call& call) { later(call, call.state.writers, add_class); }},
    {"POST", "/api/next", [](Call& call) { later(call, call.state.writers, next); }},
};

}  // namespace

void route(State& state, Request request, const serve::Reply& reply) {
  check_access(state, request);
  if (request.path == "*") return reply.send(serve::not_allowed("GET, HEAD, POST, PUT, OPTIONS", true));
  const std::string path = request.path;  // the parts are of it
  Call call = {state, std::move(request), reply, serve::parts_of(path)};
  serve::follow<Call>(kRoutes, call);
}

}  // namespace kiln::annotate::routes
