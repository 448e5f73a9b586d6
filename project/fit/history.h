#pragma once

#include <string>

#include <kiln/project/fit/fit.h>

// Internal: what a history shows.

namespace kiln::project {

// Whether the metric is one that should fall.
bool should_fall(const std::string& metric);

// The place of the best epoch by "validation/METRIC" (of equal ones the first); -1 when there is none. NaN
// never is.
int64_t best_of(const History& history, const std::string& metric);

// history.json, loss.svg, metric.svg.
void write_history(const std::string& folder, const History& history, const std::string& metric);

}  // namespace kiln::project
