#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <kiln/kiln.h>

// The ugly questions, asked of a function of tensors: what it does with operands that are undefined, of
// another type, empty, of no dimension, huge, or on another device, with options at the ends of int64;
// whether its gradients hold in every floating type, take gradients of another type, and survive threads. It
// may answer with a result or with an Error, but must not crash, hang or throw anything else, and numbers
// must be right.

namespace kiln::test {

struct Subject {
  std::string name;
  Tensors inputs;  // of a call that works, on the CPU
  std::function<Tensors(const Tensors&)> call;
  std::vector<std::function<void(const Tensors&)>> ends = {};  // calls with options at the ends of int64
  bool has_gradient = true;                                    // of the floating inputs; else `why`
  std::string why = {};
  double tolerance = 1;  // multiplies the bounds of gradients in other types; say why where it is not 1
};

enum class Answer { passed, failed, not_applicable };

struct Tally {
  int passed = 0, failed = 0, not_applicable = 0;
  std::map<std::string, int> reasons;      // of what is not applicable
  std::map<std::string, int> by_question;  // passed
  std::vector<std::string> failures;
  void add(const std::string& subject, const std::string& question, Answer answer, const std::string& text);
  std::string text() const;
};

// Asks all questions, in a child process where the device allows it, so that a crash costs one question.
void ask(const Subject& subject, Tally& tally);

}  // namespace kiln::test
