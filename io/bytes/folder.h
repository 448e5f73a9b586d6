#pragma once

#include <string>
#include <system_error>

namespace kiln::io {

// Internal: what is done to folders. An error is the system's.

// "." for a name alone.
std::string folder_of(const std::string& path);

// No error when there is no such file.
std::error_code remove_file(const std::string& path);

// With the folders on its way.
std::error_code make_folders(const std::string& path);

// Removes files in the folder whose names begin with `prefix` and end in ".tmp" and that no living writer
// holds: what an AtomicFile of a killed program left.
void remove_abandoned(const std::string& folder, const std::string& prefix);

}  // namespace kiln::io
