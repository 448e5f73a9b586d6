#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kiln/tensor/value/state_dict.h>
#include <kiln/tensor/value/value.h>

namespace kiln {

// Weights of one network made to fit another. Each function gives a new state dict in the old order, whose
// tensors share the memory of the old one's:
//
//     const Value checkpoint = io::load("resnet18.pth");
//     StateDict state = strip_prefix(weights_of(checkpoint, "state_dict"), "module.");
//     state = drop(state, "^fc\\.");
//     net.load_state_dict(state, {.strict = false});
//
// Patterns are ECMAScript's regular expressions and match anywhere in a name unless '^' and '$' say
// otherwise. A bad pattern, or two names that become one, is an Error.

// Paths (as Value::at takes them; "" is the top) of the dicts in a checkpoint that hold weights: tensors
// under names. State of optimisers and of generators is passed over.
std::vector<std::string> find_weights(const Value& checkpoint);

// For an error about a checkpoint that was taken for weights: "; 'model' holds 122 tensors, 'ema/model' 122",
// by find_weights without the top itself; "" when there are none.
std::string where_weights_are(const Value& checkpoint);

// The tensors of the dict or object at `path`; without a path, those of the only one that holds weights. When
// there is none or a choice, an Error lists what there is. Names of entries that are no tensors go to
// `left_out`.
StateDict weights_of(const Value& checkpoint, std::string_view path = {},
                     std::vector<std::string>* left_out = nullptr);

// Names without the prefix stay as they are.
StateDict strip_prefix(const StateDict& state, std::string_view prefix);
StateDict add_prefix(const StateDict& state, std::string_view prefix);

// Every match replaced: rename(state, "^layers\\.(\\d+)", "blocks.$1").
StateDict rename(const StateDict& state, const std::string& pattern, const std::string& replacement);

// The entries whose names match, and the others.
StateDict keep(const StateDict& state, const std::string& pattern);
StateDict drop(const StateDict& state, const std::string& pattern);

// Floating tensors as copies of that floating dtype; others are left alone.
StateDict cast(const StateDict& state, DType dtype);

// All entries of both; where a name is in both, that of `over`.
StateDict merge(const StateDict& base, const StateDict& over);

}  // namespace kiln
