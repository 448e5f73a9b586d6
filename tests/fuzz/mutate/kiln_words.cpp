#include "fuzz/mutate/kiln_words.h"

namespace kiln::fuzz {
namespace {

constexpr const char* kNames[] = {"tensor",     "dict",  "tuple", "object", "entries", "value",
                                  "attributes", "same",  "meta",  "shape",  "dtype",   "offset",
                                  "strides",    "float", "bytes", "string"};
constexpr const char* kStrings[] = {"float32",      "float64", "bool", "uint8", "complex128", "int64",
                                    "nan",          "inf",     "-inf", "00ff",  "0",          "torch.qint8",
                                    "builtins.int", "a",       "a.b",  "_args", "values"};

class TreeWords {
 public:
  TreeWords(std::span<const std::string> blocks, Random& random) : blocks_(blocks), random_(random) {}

  Json value(int depth) {
    if (depth <= 0) return leaf();
    switch (random_.below(9)) {
      case 0:
        return one("dict", entries(depth));
      case 1:
        return one("tuple", items(depth));
      case 2:
        return Json::object({{"object", Json::string(random_.of(kStrings))}, {"entries", entries(depth)}});
      case 3:
        return Json::object({{"value", value(depth - 1)}, {"attributes", one("dict", entries(depth))}});
      case 4:
        return Json::object(
            {{"value", tensor()},
             {"attributes", Json::object({{"object", Json::string("a.B")}, {"entries", entries(depth)}})}});
      case 5:
        return items(depth);
      default:
        return leaf();
    }
  }

 private:
  static Json one(const char* name, Json value) { return Json::object({{name, std::move(value)}}); }

  Json leaf() {
    constexpr const char* kWords[] = {"null", "true", "false", "1.0", "1", "-0.0", "1e+300", "1.5"};
    switch (random_.below(8)) {
      case 0:
        return one("float", Json::string(random_.one_in(2) ? "nan" : "-inf"));
      case 1:
        return one(random_.one_in(2) ? "bytes" : "string", Json::string(random_.one_in(2) ? "ff00" : "6"));
      case 2:
        return one("same", Json::number(int64_t(random_.below(4))));
      case 3:
        return Json::number(odd_number(random_));
      case 4:
        return Json::word(random_.of(kWords));
      case 5:
        return Json::string(random_.of(kStrings));
      default:
        return tensor();
    }
  }

  Json tensor() {
    const std::string name = blocks_.empty() ? "w" : std::string(random_.of(blocks_));
    switch (random_.below(4)) {
      case 0:
        return Json::object({{"tensor", Json::string(name)}, {"strides", sizes()}});
      case 1:
        return Json::object({{"tensor", Json::string(name)},
                             {"dtype", Json::string(random_.of(kStrings))},
                             {"shape", sizes()},
                             {"strides", sizes()},
                             {"offset", Json::number(random_.one_in(3) ? odd_number(random_) : 0)}});
      case 2:
        return Json::object(
            {{"meta", Json::string(random_.of(kStrings))}, {"shape", sizes()}, {"strides", sizes()}});
      default:
        return one("tensor", Json::string(name));
    }
  }

  Json sizes() {
    std::vector<Json> made;
    for (size_t left = random_.below(3); left > 0; --left)
      made.push_back(Json::number(random_.one_in(6) ? odd_number(random_) : int64_t(random_.below(4))));
    return Json::array(std::move(made));
  }
  Json items(int depth) {
    std::vector<Json> made;
    for (size_t left = random_.below(3); left > 0; --left) made.push_back(value(depth - 1));
    return Json::array(std::move(made));
  }
  // Keys are of any kind.
  Json entries(int depth) {
    std::vector<Json> made;
    for (size_t left = random_.below(4); left > 0; --left)
      made.push_back(Json::array({random_.one_in(3) ? value(depth - 1) : leaf(), value(depth - 1)}));
    return Json::array(std::move(made));
  }

  std::span<const std::string> blocks_;
  Random& random_;
};

}  // namespace

JsonWords kiln_words(const Json& header) {
  std::vector<std::string> blocks;
  for (const auto& [name, entry] : header.members)
    if (name != "__metadata__") blocks.push_back(name);
  return {kNames, kStrings,
          [blocks = std::move(blocks)](Random& random) { return TreeWords(blocks, random).value(3); }};
}

}  // namespace kiln::fuzz
