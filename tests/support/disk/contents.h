#pragma once

#include <random>
#include <string>
#include <vector>

#include "support/disk/recorded_files.h"

namespace kiln::test {

// A write, or a reservation of space, on the bytes of a file.
void put(std::string& bytes, const Change& change);

// What a file may hold whose content was `synced` once and to which `pending` was done since: the first is
// `synced`, the last has all of it. Between them stands `synced` with zeros behind it, and all but the last
// change. With torn > 0 also each change that is missing, is zeros, is the last one, and is cut at sectors,
// pages and within; and so many where each sector is old or new by chance.
std::vector<std::string> possible_contents(const std::string& synced, const std::vector<Change>& pending,
                                           int torn, std::mt19937_64& random);

}  // namespace kiln::test
