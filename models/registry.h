#pragma once

#include <memory>

#include <kiln/models/family.h>

// Internal: who knows which models there are.

namespace kiln::nn::models {

struct Registered {
  Builder builder;
  std::shared_ptr<const Family> family;
  bool is_own = false;  // of models::add
};

// Throws when there is none, with the name that was probably meant.
Registered registered(std::string_view name);

// A new one. Throws for options that it does not have.
AnyModule make(const Registered& model, const ModelOptions& options);

// The family of networks of that class; null when there is none.
std::shared_ptr<const Family> family_of(const Module& net);

}  // namespace kiln::nn::models
