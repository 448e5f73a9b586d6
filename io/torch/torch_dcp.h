#pragma once

#include <string>

#include <kiln/io/bytes/outline.h>

namespace kiln::io {

// Internal: folders of torch.distributed.checkpoint (PyTorch 2.1 and later): ".metadata", which says what is
// where, and "__0_0.distcp" and so on, in which one file of torch.save follows the other.

bool is_dcp_folder(const std::string& path);

// The value that was saved, whose tensors are put together from their parts.
Value read_dcp(const std::string& folder, const ReadOptions& options);

}  // namespace kiln::io
