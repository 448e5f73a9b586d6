#pragma once

// Internal.

#include <string>

#include <kiln/serve/batch/telemetry.h>

namespace kiln::serve {

// In Prometheus' text format 0.0.4. `version` is what is served, "" for nothing.
std::string metrics_text(const Telemetry& telemetry, int64_t queued_rows, const std::string& model,
                         const std::string& version);

}  // namespace kiln::serve
