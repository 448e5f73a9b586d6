#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

// Internal.

struct CUstream_st;

namespace kiln::cuda {

// A piece of a segment, which is what the driver gave in one go.
struct Block {
  char* data = nullptr;
  int64_t bytes = 0;
  CUstream_st* stream = nullptr;  // whose work may use it next without waiting
  uint64_t graph = 0;             // the captured graph that the segment is kept for, 0 for none
  bool used = false;
  Block *previous = nullptr, *next = nullptr;  // neighbours in the segment
  std::vector<CUstream_st*> users;             // other streams whose work uses it
};

// Bookkeeping of blocks: best fit among the free blocks of a stream and graph, splitting, merging. No call of
// CUDA, no lock.
class BlockPool {
 public:
  BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool();

  // The smallest free block of at least `bytes`, cut to size unless the rest would be of no use; nullptr when
  // there is none.
  Block* take(CUstream_st* stream, uint64_t graph, int64_t bytes);
  // A segment becomes one free block.
  void add(char* data, int64_t bytes, CUstream_st* stream, uint64_t graph);
  // The used block that begins there, nullptr when there is none.
  Block* find(const void* data) const;
  // The block is free again; it grows together with free neighbours.
  void put(Block* block);
  // The smallest segment of at least `bytes` that is free as a whole, kept for no graph and last used on
  // `from` becomes a free block of the graph and stream. Returns whether there was one.
  bool adopt(CUstream_st* from, int64_t bytes, CUstream_st* stream, uint64_t graph);
  // What was kept for a graph is for all work on the stream.
  void disown(uint64_t graph, CUstream_st* stream);
  // Forgets the segments that are free as a whole and kept for no graph, and returns them.
  struct Segment {
    char* data;
    int64_t bytes;
  };
  std::vector<Segment> take_free_segments();

  int64_t used_bytes() const { return used_bytes_; }
  int64_t largest_free() const;
  // Bytes of the segments kept for graphs.
  int64_t graph_bytes() const;

 private:
  struct Before {
    bool operator()(const Block* a, const Block* b) const;
  };
  void merge_next(Block* block);

  std::set<Block*, Before> free_;
  std::unordered_map<const void*, Block*> used_;
  int64_t used_bytes_ = 0;
};

}  // namespace kiln::cuda
