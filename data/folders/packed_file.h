#pragma once

// Internal: what pack() writes and PackedPictures reads.

namespace kiln::data {

inline constexpr const char* kPackedKind = "kiln.pictures";

}  // namespace kiln::data
