#pragma once

// Internal: what the batches of a loader are made from.

#include <kiln/data/dataset.h>
#include <kiln/data/iterable.h>
#include <kiln/data/loading/batch_builder.h>

namespace kiln::data::detail {

struct Source {
  // One of the two datasets is there. Throws for options that make no sense.
  Source(Handle<Dataset> from, Handle<IterableDataset> from_stream, const LoaderOptions& with);

  // Batches an epoch, and samples of the dataset. Throw when an IterableDataset does not tell.
  int64_t size() const;
  int64_t samples() const;
  // Batches that may be made before they are asked for.
  int64_t depth() const { return options.workers == 0 ? 1 : int64_t(options.workers) * options.prefetch; }
  int64_t shards() const { return options.shards != 0 ? options.shards : std::max(1, options.workers); }

  Handle<Dataset> dataset;
  Handle<IterableDataset> stream;
  LoaderOptions options;
  BatchBuilder builder;
};

}  // namespace kiln::data::detail
