#include <kiln/io/bytes/json.h>
#include <kiln/serve/routes/authority.h>
#include <kiln/serve/routes/state.h>

namespace kiln::serve::routes {
namespace {

std::string version_in(const Request& request) {
  const Value body = object_in(request);
  const Value* version = body.find("version");
  if (version == nullptr) return "";
  if (!version->is_string()) refuse(400, "'version' is {}; give a string", name_of(version->kind()));
  return version->as_string();
}

// What the store says may name files; those who ask are told what concerns them.
Version find(const Store& store, const std::string& id) {
  try {
    return store.find(id);
  } catch (const Error&) {
    refuse(404, "there is no such version, or there are several");
  }
}

}  // namespace

Follower& follower_of(const Service::State& state) {
  if (!state.follower) refuse(404, "a single file is served, which has no other versions");
  return *state.follower;
}

Response followed(const Service::State& state, const std::string& why) {
  if (!why.empty())
    refuse(409, "the version is current in the store but cannot be served; {}",
           state.deployment.current() ? "the one before stays" : "none is served");
  const std::string version = state.engine()->info().version;
  return {.body = io::json_text({{"version", version}}), .version = version};
}

Response history(const Service::State& state) {
  Value list = Value::list();
  if (state.follower)
    for (const Event& event : state.follower->store().history())
      list.push_back({{"number", event.number},
                      {"event", name_of(event.kind)},
                      {"version", event.version},
                      {"before", event.before},
                      {"when", event.when},
                      {"why", event.why}});
  return {.body = io::json_text(list)};
}

// For the page.
Response about(const Service::State& state) {
  const std::shared_ptr<Engine> engine = state.engine();
  const ModelInfo& info = engine->info();
  const Telemetry& telemetry = state.telemetry;
  const std::shared_ptr<Engine> shadow = state.deployment.shadow();
  return {.body = io::json_text({{"name", info.name},
                                 {"version", info.version},
                                 {"architecture", info.architecture},
                                 {"preset", info.preset},
                                 {"seen", info.seen},
                                 {"classes", int64_t(info.classes.size())},
                                 {"metrics", info.metrics},
                                 {"has_store", state.follower != nullptr},
                                 {"needs_token", !state.options.token.empty()},
                                 {"shadow", shadow ? Value({{"version", shadow->info().version},
                                                            {"agreed", int64_t(telemetry.shadow_agreed)},
                                                            {"differed", int64_t(telemetry.shadow_differed)}})
                                                   : Value()}}),
          .version = info.version};
}

Response rollback(Service::State& state, const Request& request) {
  check_authority(request, state.options.token);
  Follower& follower = follower_of(state);
  if (state.deployment.withdrawn()) refuse(409, "the model is unloaded; load it first");
  Store store = follower.store();
  const std::string id = version_in(request);
  try {
    if (id.empty())
      store.rollback("", "by the server's page or its clients");
    else
      store.rollback(find(store, id).id, "by the server's page or its clients");
  } catch (const Error&) {
    refuse(409, "there is nothing to roll back to, or it is current already");
  }
  return followed(state, follower.look());
}

}  // namespace kiln::serve::routes
