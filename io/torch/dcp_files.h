#pragma once

#include <string>
#include <vector>

#include <kiln/io/bytes/outline.h>

namespace kiln::io {

// Internal: the files of a torch.distributed.checkpoint folder, and what lies in them.

// A file of torch.save within one of the folder's.
struct Blob {
  std::string file;
  int64_t begin = 0, bytes = 0;
};

class DcpFiles {
 public:
  DcpFiles(std::string folder, const ReadOptions& options);

  // Its value, which may be views of the mapped file. With an outline its data are left to be read later.
  Value read(const Blob& blob, Outline* outline = nullptr) const;
  // Compares the checksums in it, piece by piece; before, `fits` gets its value without data.
  void check(const Blob& blob, const Function<void(const Value&)>& fits) const;
  // Reports to the options' `warn` what of the files is in none of the blobs.
  void warn_of_rest(std::vector<Blob> blobs) const;

 private:
  void warn_of_gaps(const std::vector<Blob>& blobs) const;

  std::string folder_;
  ReadOptions options_;
  bool is_outline_;
};

}  // namespace kiln::io
