#include <kiln/io/bytes/json.h>
#include <kiln/serve/routes/authority.h>
#include <kiln/serve/routes/state.h>

// Triton's extension of the protocol, "model repository", for a server of one model, whose versions are a
// store's or that is one file.

namespace kiln::serve::routes {
namespace {

bool flag(const Value& dict, const char* name) {
  const Value* found = dict.find(name);
  if (found == nullptr) return false;
  if (!found->is_bool()) refuse(400, "'{}' is {}; give true or false", name, name_of(found->kind()));
  return found->as_bool();
}

Value parameters_in(const Request& request) {
  const Value body = object_in(request);
  const Value* parameters = body.find("parameters");
  if (parameters == nullptr) return Value::dict();
  if (!parameters->is_dict()) refuse(400, "'parameters' is {}; give an object", name_of(parameters->kind()));
  return *parameters;
}

// Made anew, or the one that was kept.
void load_again(Service::State& state) {
  const std::scoped_lock lock(state.loading);
  try {
    state.deployment.swap(state.again());
  } catch (const std::exception&) {
    refuse(409, "the model cannot be loaded; {}",
           state.deployment.current() ? "the one before stays" : "none is served");
  }
}

}  // namespace

Value object_in(const Request& request) {
  if (request.body.empty()) return Value::dict();
  constexpr size_t kDepth = 4;
  Value body;
  try {
    body = io::parse_json(request.body, "the body", kDepth);
  } catch (const Error& error) {
    throw HttpError(400, error.what());
  }
  if (!body.is_dict()) refuse(400, "the body is {}; give an object", name_of(body.kind()));
  return body;
}

Response repository_index(const Service::State& state, const Request& request) {
  const bool only_ready = flag(object_in(request), "ready");
  const std::shared_ptr<Engine> served = state.deployment.current(), shadow = state.deployment.shadow();
  const std::optional<Deployment::Withdrawn> withdrawn = state.deployment.withdrawn();
  const std::string name = served ? served->info().name : withdrawn ? withdrawn->name : "model";
  Value list = Value::list();
  const auto add = [&](const std::string& version, const char* how, const char* why) {
    if (only_ready && how != std::string_view("READY")) return;
    list.push_back({{"name", name}, {"version", version}, {"state", how}, {"reason", why}});
  };
  if (served) add(served->info().version, "READY", "");
  if (withdrawn) add(withdrawn->version, withdrawn->is_drained ? "UNAVAILABLE" : "UNLOADING", "unloaded");
  if (served && shadow) add(shadow->info().version, "READY", "shadow");
  if (state.follower)
    for (const Version& version : state.follower->store().list())
      if (!state.deployment.find(version.id) && !(withdrawn && withdrawn->version == version.id))
        add(version.id, "UNAVAILABLE", "in the store");
  return {.body = io::json_text(list)};
}

Response load(Service::State& state, const Request& request, std::string_view name) {
  check_authority(request, state.options.token);
  if (parameters_in(request).size() > 0)
    refuse(400, "load takes no parameters: models come from the store alone, as they are there");
  state.check_name(name);
  if (state.follower) return followed(state, state.follower->resume());
  load_again(state);
  return followed(state, "");
}

void unload(Service::State& state, const Request& request, std::string_view name, const Reply& reply) {
  check_authority(request, state.options.token);
  flag(parameters_in(request), "unload_dependents");  // it has none
  state.check_name(name);
  const auto drained = [reply] { reply.send({.body = "{}"}); };
  if (state.follower) return state.follower->pause(drained);
  const std::scoped_lock lock(state.loading);
  state.deployment.withdraw(drained);
}

}  // namespace kiln::serve::routes
