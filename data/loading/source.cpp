#include <kiln/data/loading/source.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::data::detail {
namespace {

void check_sampling(const LoaderOptions& options, bool stream) {
  if (stream && (options.shuffle || options.sampler || options.batch_sampler))
    fail("data loader: an IterableDataset has an order of its own; leave out {}", options.shuffle ? "shuffle"
                                                                                  : options.sampler
                                                                                      ? "sampler"
                                                                                      : "batch_sampler");
  if (!stream && options.shards != 0)
    fail("data loader: shards are parts of an IterableDataset, this dataset has indices; leave it out");
  if (options.sampler && options.shuffle)
    fail(
        "data loader: sampler and shuffle exclude each other; leave out shuffle, the sampler decides the "
        "order");
  if (options.batch_sampler &&
      (options.batch_size != 1 || options.shuffle || options.sampler || options.drop_last))
    fail(
        "data loader: batch_sampler takes the place of batch_size, shuffle, sampler and drop_last; leave out "
        "{}",
        options.batch_size != 1 ? "batch_size"
        : options.shuffle       ? "shuffle"
        : options.sampler       ? "sampler"
                                : "drop_last");
}

const LoaderOptions& checked(const LoaderOptions& options, bool stream) {
  if (options.batch_size < 1) fail("data loader: batch_size must be at least 1, got {}", options.batch_size);
  constexpr int kMost = 1024;  // far beyond any use; more would end as a failed allocation
  if (options.workers < 0 || options.workers > kMost)
    fail("data loader: workers must be 0 .. {}, got {}", kMost, options.workers);
  if (options.prefetch < 1 || options.prefetch > kMost)
    fail("data loader: prefetch must be 1 .. {}, got {}", kMost, options.prefetch);
  if (options.shards < 0 || options.shards > kMost)
    fail("data loader: shards must be 0 .. {}, got {}", kMost, options.shards);
  check_sampling(options, stream);
  return options;
}

}  // namespace

Source::Source(Handle<Dataset> from, Handle<IterableDataset> from_stream, const LoaderOptions& with)
    : dataset(std::move(from)),
      stream(std::move(from_stream)),
      options(checked(with, bool(stream))),
      builder(stream ? nullptr : &*dataset, options) {
  if (dataset && dataset->size() < 0)
    fail("data loader: the dataset says that it has {} samples", dataset->size());
}

int64_t Source::samples() const {
  if (dataset) return dataset->size();
  if (stream->size() < 0)
    fail("data loader: an IterableDataset that does not tell its size() has batches without a number");
  return stream->size();
}

int64_t Source::size() const {
  if (options.batch_sampler) return options.batch_sampler->size();
  const int64_t count = options.sampler ? options.sampler->size() : samples();
  const int64_t full = count / options.batch_size, rest = count % options.batch_size;
  return full + (rest != 0 && !options.drop_last);
}

}  // namespace kiln::data::detail
