#include <kiln/tools/serve/store_json.h>

namespace kiln::tools {

Value value_of(const serve::Version& version, bool is_current) {
  return {{"id", version.id},
          {"current", is_current},
          {"bytes", version.bytes},
          {"when", version.when},
          {"who", version.about.who},
          {"data", version.about.data},
          {"parent", version.about.parent},
          {"note", version.about.note},
          {"metrics", version.about.metrics}};
}

Value value_of(const serve::Event& event) {
  return {{"number", event.number},   {"event", name_of(event.kind)},
          {"version", event.version}, {"before", event.before},
          {"who", event.who},         {"when", event.when},
          {"why", event.why}};
}

bool is_current(const serve::Store& store, const serve::Version& version) {
  const std::optional<serve::Version> current = store.current();
  return current && current->id == version.id;
}

}  // namespace kiln::tools
