#pragma once

#include <array>
#include <string>

#include <kiln/image/format.h>

// Internal: what a check wants to know of one file.

namespace kiln::project {

struct PictureFacts {
  std::string error;  // why it cannot be read; "": it can
  int64_t bytes = 0;
  image::Info info;
  std::string sha256;  // of the file
  // The picture made small, in grey: to be compared with others, and its 8 x 8 signs of which of two
  // neighbours is brighter ("difference hash").
  static constexpr int64_t kSmall = 32;
  std::array<uint8_t, kSmall* kSmall> small = {};
  uint64_t signs = 0;
  double mean = 0, deviation = 0;  // of `small`
  // Of the pixels 0 .. 255, red, green and blue.
  std::array<double, 3> sum = {}, squares = {};
  double pixels = 0;
};

// Never throws for what is in the file.
PictureFacts facts_of(const std::string& path);

// How unlike the small pictures are: the root of the mean square of what is different once brightness and
// contrast are equal, in units of the contrast. 0 for the same, about 1.4 for strangers; pictures without any
// contrast are like each other.
double unlikeness(const PictureFacts& a, const PictureFacts& b);

}  // namespace kiln::project
