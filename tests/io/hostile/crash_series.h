#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <kiln/io/load.h>
#include <kiln/tensor/fmt.h>

#include "support/disk/series.h"

namespace kiln::test {

// One save of a series: of two tensors of this many elements and a small one, all of which hold the number of
// the save; in one file or in two shards.
struct Save {
  int64_t elements;
  bool shards = false;
};

inline Tensor filled(int64_t elements, int64_t number) {
  const Tensor x = empty({elements});
  std::fill_n(x.data<float>(), elements, float(number));
  return x;
}

inline Value numbered(const std::string& ending, const Save& save, int64_t number) {
  if (ending == ".npy") return filled(save.elements, number);
  return {
      {"a", filled(save.elements, number)}, {"b", filled(3, number)}, {"c", filled(save.elements, number)}};
}

// Each name that is there must load, as one of the saves as a whole.
inline std::string wrong_in(const std::string& path, const std::string& ending,
                            const std::vector<Save>& saves, const Expected& expected) {
  bool is_empty = true;
  for (const std::string& name : {path, path + ".index.json"}) {
    if (!std::filesystem::exists(name)) continue;
    is_empty = false;
    try {
      const Value got = io::load(name);
      const Tensor& first = got.is_tensor() ? got.as_tensor() : got.at("a").as_tensor();
      const auto number = int64_t(first.data<float>()[0]);
      if (!expected.allows(number)) return fmt::format("{} holds save {}", name, number);
      if (got != numbered(ending, saves[size_t(number - 1) % saves.size()], number))
        return fmt::format("{} is a mixture", name);
    } catch (const Error& error) {
      return error.what();
    }
  }
  return is_empty && !expected.allows(0) ? path + " is not there" : "";
}

inline Series series_of(const std::string& ending, std::vector<Save> saves) {
  const std::string name = "x" + ending;
  Series series = {.name = ending, .saves = int64_t(saves.size()), .begin = {}, .complaint = {}};
  for (const Save& save : saves) series.name += fmt::format(" {}{}", save.elements, save.shards ? "s" : "");
  const bool has_shards = std::ranges::any_of(saves, &Save::shards);
  series.begin = [=](const std::string& folder) {
    return [=](int64_t number) {
      const Save& save = saves[size_t(number - 1) % saves.size()];
      // Two tensors fit into a shard, or all three.
      const int64_t shard_bytes = 4 * (save.elements * (save.shards ? 1 : 2) + 3);
      io::save(folder + "/" + name, numbered(ending, save, number),
               {.shard_bytes = has_shards ? shard_bytes : 0});
    };
  };
  series.complaint = [=](const std::string& folder, const Expected& expected) {
    return wrong_in(folder + "/" + name, ending, saves, expected);
  };
  return series;
}

}  // namespace kiln::test
