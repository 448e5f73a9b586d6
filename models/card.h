#pragma once

#include <kiln/models/model.h>

// Internal: a card in a file, beside the weights.

namespace kiln::nn::models {

// A dict of all that the card says; free of tensors unless its metadata has some.
Value to_value(const Card& card);

// Whether a file holds a network with its card: what models::save writes.
bool is_whole_model(const Value& file);
// Throws, naming the file and the entry, when something in the card is not what it has to be.
Card read_card(const Value& file, const std::string& path);

// The entries of such a file.
inline constexpr const char* kCardEntry = "kiln.model";
inline constexpr const char* kWeightsEntry = "weights";

}  // namespace kiln::nn::models
