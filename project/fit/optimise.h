#pragma once

#include <string>

#include <kiln/nn/module.h>
#include <kiln/optim/optimizer.h>
#include <kiln/optim/scheduler.h>
#include <kiln/project/fit/recipe.h>
#include <kiln/tensor/base/box.h>

// Internal: a recipe's optimiser and learning rates.

namespace kiln::project {

// Of the parameters that learn, in up to four groups: the head's (those below the module `head`; "" is none)
// and the others', weights and what has no decay. Throws when nothing learns.
Box<optim::Optimizer> make_optimizer(const nn::Module& net, const std::string& head, const Recipe& recipe);

// Is stepped after each of `steps` steps.
Box<optim::LRScheduler> make_schedule(optim::Optimizer& optimizer, const Recipe& recipe, int64_t steps);

// Puts net into training mode, except for modules that have parameters of which none learns: a frozen batch
// norm keeps its statistics.
void train_mode(nn::Module& net);

}  // namespace kiln::project
