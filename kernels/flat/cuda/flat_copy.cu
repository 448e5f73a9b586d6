#include <kiln/kernels/flat/flat_copy.h>

#include <kiln/kernels/base/cuda/launch.cuh>

namespace kiln::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kPackBytes = 16;
constexpr int64_t kPiece = 8 * kThreads * kPackBytes;  // bytes of a block
constexpr int kCopies = 96;                            // of a launch; a table of 3 KiB

struct Table {
  char* to[kCopies];
  const char* from[kCopies];
  int64_t bytes[kCopies];
  int64_t first_block[kCopies];
  int copies = 0;
  int64_t blocks = 0;

  // The last copy that begins at this block or before.
  __device__ int of_block() const {
    int low = 0, high = copies - 1;
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (first_block[middle] <= int64_t(blockIdx.x))
        low = middle;
      else
        high = middle - 1;
    }
    return low;
  }
};

template <int kBytes>
__device__ __forceinline__ void copy_piece(char* to, const char* from, int64_t bytes) {
  using Pack = gpu::Pack<unsigned char, kBytes>;
  const int64_t packs = bytes / kBytes;
#pragma unroll 4
  for (int64_t i = threadIdx.x; i < packs; i += kThreads)
    gpu::store(reinterpret_cast<Pack*>(to) + i, gpu::load(reinterpret_cast<const Pack*>(from) + i));
  const int64_t tail = packs * kBytes + threadIdx.x;
  if (kBytes > 1 && tail < bytes) to[tail] = from[tail];
}

__global__ void __launch_bounds__(kThreads) flat_copy_kernel(Table table) {
  const int copy = table.of_block();
  const int64_t begin = (int64_t(blockIdx.x) - table.first_block[copy]) * kPiece;
  const int64_t rest = table.bytes[copy] - begin, bytes = rest < kPiece ? rest : kPiece;
  char* to = table.to[copy] + begin;
  const char* from = table.from[copy] + begin;
  if ((reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from)) % kPackBytes == 0)
    copy_piece<kPackBytes>(to, from, bytes);
  else
    copy_piece<1>(to, from, bytes);
}

}  // namespace

void flat_copy(CudaContext& ctx, std::span<const FlatCopy> copies) {
  Table table;
  const auto flush = [&] {
    launch(ctx, "flat_copy", flat_copy_kernel, {.grid = blocks_for(table.blocks, 1), .block = kThreads},
           table);
    table.copies = 0;
    table.blocks = 0;
  };
  for (const FlatCopy& copy : copies) {
    if (copy.bytes == 0) continue;
    if (table.copies == kCopies) flush();
    table.to[table.copies] = static_cast<char*>(copy.to);
    table.from[table.copies] = static_cast<const char*>(copy.from);
    table.bytes[table.copies] = copy.bytes;
    table.first_block[table.copies++] = table.blocks;
    table.blocks += (copy.bytes + kPiece - 1) / kPiece;
  }
  flush();
}

}  // namespace kiln::kernels
