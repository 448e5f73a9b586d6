#pragma once

#include <string>
#include <vector>

#include <kiln/tensor/base/pair.h>
#include <kiln/tensor/dtype/scalar.h>
#include <kiln/tensor/tensor.h>

// Seeing every op: what a profiler, a tracer or a test of one's own hangs on.

namespace kiln::autograd {

struct Node;

// A setting of an op that is not a tensor: dim, stride, eps.
struct Attribute {
  enum class Type : uint8_t { boolean, integer, real, list, text };

  std::string name;
  Type type;
  int64_t integer = 0;  // of boolean, too
  double real = 0;
  Dims list;
  std::string text;

  Attribute(const char* n, bool value) : name(n), type(Type::boolean), integer(value) {}
  Attribute(const char* n, int value) : name(n), type(Type::integer), integer(value) {}
  Attribute(const char* n, int64_t value) : name(n), type(Type::integer), integer(value) {}
  Attribute(const char* n, double value) : name(n), type(Type::real), real(value) {}
  Attribute(const char* n, const Dims& value) : name(n), type(Type::list), list(value) {}
  Attribute(const char* n, Pair value) : name(n), type(Type::list), list({value.h, value.w}) {}
  Attribute(const char* n, const char* value) : name(n), type(Type::text), text(value) {}
  Attribute(const char* n, const std::string& value) : name(n), type(Type::text), text(value) {}
  Attribute(const char* n, DType value) : Attribute(n, name_of(value)) {}
  Attribute(const char* n, const Scalar& value)
      : name(n),
        type(value.dtype() == float32 ? Type::real
             : value.dtype() == bool8 ? Type::boolean
                                      : Type::integer),
        integer(value.dtype() == float32 ? 0 : value.integer()),
        real(value.real()) {}
};
// "dim=1", "stride=[2,2]", "mode=reflect".
std::string to_string(const Attribute& attribute);

struct NamedOperand {
  const char* name;
  Tensor tensor;  // as the op computes with it: cast by Autocast; undefined where an optional one is left out
};

// One call of an op.
struct OpCall {
  const char* name;
  std::vector<NamedOperand> operands;
  std::vector<Attribute> attributes;
  Tensors results;
  bool in_place = false;           // it wrote its first operand, which is then its result
  bool failed = false;             // it threw, so there are no results
  const Node* backward = nullptr;  // the node whose gradient it computes, null in a forward pass

  // Null when there is none of that name.
  const Attribute* find_attribute(std::string_view wanted) const;
  const Tensor* find_operand(std::string_view wanted) const;
};

// Sees the ops of a thread while a Listen lives. Ops call other ops, so calls nest: what begins between an
// op's begin and end is part of it. The functions must not throw, and ops that they call themselves are not
// seen.
class Listener {
 public:
  virtual ~Listener() = default;
  // Nothing but the name, and `backward`, is known yet.
  virtual void begin(const OpCall&) {}
  virtual void end(const OpCall& call) = 0;
};

// Lets the listener see the ops of this thread, or of all threads: then its functions are called by all of
// them, one at a time. Several may listen. Must end on the thread that it began on.
class Listen {
 public:
  enum class Threads : uint8_t { this_one, all };
  explicit Listen(Listener& listener, Threads threads = Threads::this_one);
  ~Listen();
  Listen(const Listen&) = delete;

 private:
  Listener* listener_;
  Threads threads_;
};

}  // namespace kiln::autograd
