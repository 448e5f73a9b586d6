#pragma once

#include <functional>

#include "fuzz/mutate/json_tree.h"
#include "fuzz/mutate/mutation.h"

namespace kiln::fuzz {

// What a format writes: names of members, strings, and values of its own.
struct JsonWords {
  std::span<const char*const> names, strings;
  std::function<Json(Random&)> value = {};
};

// One change of any value or member.
void change_json(Json* json, const JsonWords& words, Mutation& mutation);

}  // namespace kiln::fuzz
