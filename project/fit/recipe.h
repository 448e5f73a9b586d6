#pragma once

#include <string>
#include <vector>

#include <kiln/tensor/value/value.h>

namespace kiln::project {

// How a network is trained. The defaults fine-tune a pretrained one on some thousand pictures.
struct Recipe {
  int64_t epochs = 10;
  int64_t batch_size = 32;
  std::string optimizer = "adamw";    // or "adam", "sgd" (momentum 0.9, Nesterov)
  double lr = 5e-4;                   // the highest
  double head_lr = 1;                 // times lr for the parameters of the head
  double weight_decay = 0.01;         // of weights; not of biases and the parameters of normalisations
  std::string schedule = "onecycle";  // or "cosine" after a linear warm-up, "constant" after it
  double warmup = 0.1;                // the share of all steps in which the learning rate rises
  double label_smoothing = 0;
  bool class_weights =
      false;  // the loss of a class weighs the more the rarer it is: samples / (classes * count)
  double mixup = 0,
         cutmix = 0;     // alpha of their Beta distributions; with both each batch takes one or the other
  double ema = 0;        // decay of the moving average of the weights that is evaluated and kept; 0: none
  double clip = 0;       // the largest norm of all gradients together; 0: any
  int64_t patience = 0;  // epochs without a better metric after which it stops; 0: never
  std::string metric = "accuracy";  // the best epoch is that with the highest (of "loss": the lowest)
  std::string amp;                  // "float16", "bfloat16"; empty: float32
  std::vector<std::string> freeze;  // names or patterns of parameters that do not learn: "features.*"
  uint64_t seed = 0;
};

// Throws an Error that names the first member out of its range, and the range.
void check(const Recipe& recipe);

// By the names of the members, and back; what is not in the dict keeps its default. Throws for a name that is
// none.
Value to_value(const Recipe& recipe);
Recipe recipe_from(const Value& value);

}  // namespace kiln::project
