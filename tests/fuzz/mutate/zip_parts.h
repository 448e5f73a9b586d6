#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::fuzz {

// A record of a zip archive, and in what it differs from a good one.
struct ZipPart {
  std::string name, content;  // the content is inflated
  std::string extra = {}, local_extra = {};
  bool deflated = false;
  bool has_checksum = true;     // else 0, which writers leave out
  bool is_damaged = false;      // the checksum is wrong
  bool is_zip64 = false;        // sizes stand in extra fields
  bool has_descriptor = false;  // and behind the data
  std::string before = {};      // bytes in front of it
  std::string local_name = {};  // "": the same
};
struct ZipParts {
  std::vector<ZipPart> parts;
  std::string before_directory = {}, comment = {}, behind = {};
  bool is_zip64 = false;  // with the end records of zip64
};

// By the directory; false for what is no zip archive or has records of other methods than 0 and 8.
bool read_zip_parts(std::string_view bytes, ZipParts* zip);
// With right checksums, sizes and places but for what the parts say.
std::string write_zip(const ZipParts& zip);

}  // namespace kiln::fuzz
