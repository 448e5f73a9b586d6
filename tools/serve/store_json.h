#pragma once

#include <kiln/serve/store/store.h>

namespace kiln::tools {

// What `kiln store --json` prints of a version and of an entry of the history.
Value value_of(const serve::Version& version, bool is_current);
Value value_of(const serve::Event& event);
bool is_current(const serve::Store& store, const serve::Version& version);

}  // namespace kiln::tools
