#pragma once

#include <string>
#include <system_error>

namespace kiln::io {

// Internal: what is done to folders. An error is the system's.

// "." for a name alone.
std::string folder_of(const std::string& path);

// No error when there is no such file.
std::error_code remove_file(const std::string& path);

// What was done to the names in it is there after a power failure. Nothing is done about a folder that may
// not be read, or whose file system cannot do that.
std::error_code sync_folder(const std::string& path);

// With the folders on its way. All are there after a power failure, whoever made them.
std::error_code make_folders(const std::string& path);

// Removes temporary files of AtomicFiles of killed programs: those in the folder whose names begin with
// `prefix` and that no living writer holds.
void remove_abandoned(const std::string& folder, const std::string& prefix);

}  // namespace kiln::io
