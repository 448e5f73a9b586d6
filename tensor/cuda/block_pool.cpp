#include <kiln/tensor/cuda/block_pool.h>

#include <algorithm>
#include <tuple>

namespace kiln::cuda {
namespace {

// A rest below this stays with the block it would be cut from: nothing smaller is ever asked for.
constexpr int64_t kSmallestRest = 512;

}  // namespace

bool BlockPool::Before::operator()(const Block* a, const Block* b) const {
  return std::tie(a->graph, a->stream, a->bytes, a->data) < std::tie(b->graph, b->stream, b->bytes, b->data);
}

BlockPool::~BlockPool() {
  for (Block* block : free_) delete block;
  for (auto& [data, block] : used_) delete block;
}

Block* BlockPool::take(CUstream_st* stream, uint64_t graph, int64_t bytes) {
  Block wanted;
  wanted.stream = stream;
  wanted.graph = graph;
  wanted.bytes = bytes;
  const auto found = free_.lower_bound(&wanted);
  if (found == free_.end() || (*found)->stream != stream || (*found)->graph != graph) return nullptr;
  Block* block = *found;
  free_.erase(found);
  if (block->bytes - bytes >= kSmallestRest) {
    Block* rest = new Block;
    rest->data = block->data + bytes;
    rest->bytes = block->bytes - bytes;
    rest->stream = stream;
    rest->graph = graph;
    rest->previous = block;
    rest->next = block->next;
    if (rest->next != nullptr) rest->next->previous = rest;
    block->next = rest;
    block->bytes = bytes;
    free_.insert(rest);
  }
  block->used = true;
  used_bytes_ += block->bytes;
  used_.emplace(block->data, block);
  return block;
}

void BlockPool::add(char* data, int64_t bytes, CUstream_st* stream, uint64_t graph) {
  Block* block = new Block;
  block->data = data;
  block->bytes = bytes;
  block->stream = stream;
  block->graph = graph;
  free_.insert(block);
}

Block* BlockPool::find(const void* data) const {
  const auto found = used_.find(data);
  return found == used_.end() ? nullptr : found->second;
}

void BlockPool::merge_next(Block* block) {
  Block* next = block->next;
  block->bytes += next->bytes;
  block->next = next->next;
  if (block->next != nullptr) block->next->previous = block;
  delete next;
}

void BlockPool::put(Block* block) {
  used_.erase(block->data);
  used_bytes_ -= block->bytes;
  block->used = false;
  block->users.clear();
  if (Block* next = block->next; next != nullptr && !next->used) {
    free_.erase(next);
    merge_next(block);
  }
  if (Block* previous = block->previous; previous != nullptr && !previous->used) {
    free_.erase(previous);
    merge_next(previous);
    block = previous;
  }
  free_.insert(block);
}

bool BlockPool::adopt(CUstream_st* from, int64_t bytes, CUstream_st* stream, uint64_t graph) {
  Block wanted;
  wanted.stream = from;
  wanted.bytes = bytes;
  for (auto at = free_.lower_bound(&wanted); at != free_.end(); ++at) {
    Block* block = *at;
    if (block->graph != 0 || block->stream != from) return false;
    if (block->previous != nullptr || block->next != nullptr) continue;
    free_.erase(at);
    block->graph = graph;
    block->stream = stream;
    free_.insert(block);
    return true;
  }
  return false;
}

void BlockPool::disown(uint64_t graph, CUstream_st* stream) {
  std::vector<Block*> kept;
  for (Block* block : free_)
    if (block->graph == graph) kept.push_back(block);
  for (Block* block : kept) free_.erase(block);
  const auto hand_over = [&](Block* block) {
    block->graph = 0;
    block->stream = stream;
  };
  for (Block* block : kept) {
    hand_over(block);
    free_.insert(block);
  }
  for (auto& [data, block] : used_)
    if (block->graph == graph) hand_over(block);
}

std::vector<BlockPool::Segment> BlockPool::take_free_segments() {
  std::vector<Segment> segments;
  for (auto at = free_.begin(); at != free_.end();) {
    Block* block = *at;
    if (block->previous != nullptr || block->next != nullptr || block->graph != 0) {
      ++at;
      continue;
    }
    segments.push_back({block->data, block->bytes});
    at = free_.erase(at);
    delete block;
  }
  return segments;
}

int64_t BlockPool::largest_free() const {
  int64_t largest = 0;
  for (const Block* block : free_)
    if (block->graph == 0) largest = std::max(largest, block->bytes);
  return largest;
}

int64_t BlockPool::graph_bytes() const {
  int64_t bytes = 0;
  for (const Block* block : free_) bytes += block->graph != 0 ? block->bytes : 0;
  for (const auto& [data, block] : used_) bytes += block->graph != 0 ? block->bytes : 0;
  return bytes;
}

}  // namespace kiln::cuda
