#pragma once

#include "fuzz/mutate/mutation.h"
#include "fuzz/mutate/pickle_ops.h"

namespace kiln::fuzz {

// Makes the opcodes of values such as torch.save's files hold, and of some that they do not.
class PickleWords {
 public:
  PickleWords(const Ops& ops, const PickleMap& map, Mutation& mutation)
      : ops_(ops), map_(map), mutation_(mutation), random_(mutation.random) {}

  // Any value, nested `depth` deep at most.
  std::string value(int depth);
  // One that stands where few writers put it: as the key of a dict.
  std::string key();
  std::string atom();
  std::string number();
  std::string text();
  std::string global();
  std::string tensor();
  // A persistent id of a storage with one part or another changed, or one of the pickle's own.
  std::string storage();
  // What BUILD takes: a dict of attributes, with slots, or something else.
  std::string state();
  // A get of a number that is put somewhere, seldom of another.
  std::string recall();
  // `inner` as the argument of a function that PyTorch rebuilds tensors with, or in a container.
  std::string wrapped(const std::string& inner);

 private:
  std::string own(const std::vector<Span>& spans);
  std::string container(int depth);
  std::string object(int depth);
  std::string numpy();
  std::string quantised();
  std::string sparse();
  std::string subclass();
  std::string nested_file();
  std::string sizes(size_t rank);
  std::string many(int depth);
  std::string call(const char* module, const char* name, const std::string& arguments);

  const Ops& ops_;
  const PickleMap& map_;
  Mutation& mutation_;
  Random& random_;
};

}  // namespace kiln::fuzz
