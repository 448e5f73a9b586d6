#pragma once

// Internal.

#include <kiln/data/loading/run.h>

namespace kiln::data::detail {

// The batches of an IterableDataset.
std::shared_ptr<Run> make_stream_run(const Source& source, int64_t epoch, int64_t first);

}  // namespace kiln::data::detail
