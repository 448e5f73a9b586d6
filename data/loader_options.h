#pragma once

#include <string>
#include <vector>

#include <kiln/data/collate.h>
#include <kiln/data/sampler.h>
#include <kiln/data/transforms.h>

namespace kiln::data {

struct LoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false;
  AnySampler sampler = {};             // instead of shuffle: which samples, in which order
  AnyBatchSampler batch_sampler = {};  // instead of batch_size, shuffle, sampler and drop_last: which batches
  uint64_t seed = 0;
  bool drop_last = false;       // leaves out a last batch that is not full
  int workers = 0;              // threads that make batches; 0: the thread that iterates makes them itself
  int prefetch = 2;             // batches that each worker may be ahead, over the end of an epoch too
  AnyTransform transform = {};  // of each sample, by default of its first tensor
  Collate collate = {};         // makes a batch of samples; empty: default_collate
  // Batches in page-locked memory, from which a GPU copies while the host goes on. Without a GPU: no effect.
  bool pin_memory = false;
  std::vector<std::string> names = {};  // of the tensors of a batch, then of its texts: batch["mask"]
  MemoryFormat memory_format = MemoryFormat::channels_last;  // of 4-D floating batches
  int shards = 0;  // parts that an IterableDataset is read in; 0: one a worker. Its order depends on them
};

}  // namespace kiln::data
