#pragma once

#include <kiln/autograd/listener.h>
#include <kiln/autograd/record.h>

// The door that every op enters and leaves by:
//
//     Tensor softmax(const Tensor& input, int dim) {
//       autograd::Op op("softmax");
//       const Tensor& x = op.operand("x", input, autograd::Kind::floating);
//       dim = op.attribute("dim", dim);
//       Tensor y = empty_like(x);
//       // ... computes y ...
//       return op.record(y, [y = autograd::SavedOutput(y), dim](const Tensor& g) {
//         return softmax_backward(y.get(), g, dim);
//       });
//     }

namespace kiln::autograd {

// What an operand may hold.
enum class Kind : uint8_t {
  any,       // every type: for views and copies
  number,    // every type that computes
  floating,  // the four floating types
  index,     // int64 or int32; no gradient
  mask,      // bool; no gradient
  state,     // as number, but no gradient: running statistics, counters
};

// How many dimensions an operand may have, and how the message says it: {4, 4, "[N,C,H,W]"}.
struct Form {
  int least = 0, most = kMaxRank;
  const char* text = nullptr;
};

namespace detail {

// Bits: why an op that opens on this thread must look closer; 0 nearly always.
inline constexpr int kAutocasts = 1, kListens = 2;
extern constinit thread_local int attention;
extern int attention_of_all;  // kListens while somebody listens to all threads; by atomic access only

void tell_begin(const OpCall& call);
void tell_end(const OpCall& call);

constexpr uint32_t bit(DType dtype) { return 1u << int(dtype); }
constexpr uint32_t kFloatingTypes = bit(float32) | bit(float64) | bit(float16) | bit(bfloat16);
constexpr uint32_t types_of(Kind kind) {
  switch (kind) {
    case Kind::any:
      return ~0u;
    case Kind::floating:
      return kFloatingTypes;
    case Kind::index:
      return bit(int64) | bit(int32);
    case Kind::mask:
      return bit(bool8);
    default:
      return bit(DType::complex64) - 1;
  }
}
constexpr bool is_differentiable(Kind kind) {
  return kind == Kind::any || kind == Kind::number || kind == Kind::floating;
}

}  // namespace detail

// An op while it runs, on the stack of the function that is the op. It says the op's name, operands,
// attributes and results, and checks what all ops ask of operands: that they are defined, of a type that the
// op computes, of a form that it takes, and on one device. In an Autocast it casts them by the table in
// ops/autocast.cpp. References that operand() gives are valid while the Op lives; an op that autocast has a
// policy for runs its inner ops without Autocast.
//
// Free while nobody listens: no allocation, no virtual call, no string.
class Op {
 public:
  // `name`: a string literal.
  explicit Op(const char* name) : name_(name) {
    const int all = __atomic_load_n(&detail::attention_of_all, __ATOMIC_RELAXED);
    if ((detail::attention | all) != 0) [[unlikely]]
      open();
  }
  ~Op() {
    if (opened_ != nullptr) [[unlikely]]
      close();
  }
  Op(const Op&) = delete;

  const char* name() const { return name_; }

  // The tensor as the op computes with it. Throws Error "softmax: x is an undefined tensor" and the like.
  const Tensor& operand(const char* name, const Tensor& x, Kind kind = Kind::number, Form form = {}) {
    if (!x.defined()) [[unlikely]]
      fail_undefined(name);
    return add(name, x, kind, form);
  }
  // One that may be left out, and is then undefined.
  const Tensor& optional(const char* name, const Tensor& x, Kind kind = Kind::number, Form form = {}) {
    return x.defined() ? add(name, x, kind, form) : note(name, x, kind);
  }
  // A list of tensors, at least one. Its elements are all defined and on one device.
  const Tensors& operands(const char* name, const Tensors& xs, Kind kind = Kind::number);

  // Throws unless the floating operands so far have one type.
  void need_one_type() const;

  // Lets a listener see a setting; gives it back.
  template <class T>
  const T& attribute(const char* name, const T& value) {
    if (opened_ != nullptr) [[unlikely]]
      see(Attribute(name, value));
    return value;
  }

  // Whether the operands so far want a gradient.
  bool records() {
    if (wants_ < 0) wants_ = find_wants();
    return wants_ > 0;
  }

  // Ends the op: y, just computed, with the rule as its history if gradients are wanted. The rule is that of
  // autograd::record; its inputs are the operands, in order, but for those of kinds without a gradient.
  template <class F>
  Tensor record(Tensor y, F rule) {
    if (records()) detail::set_history(y, link(new detail::RuleNode<F>(name_, std::move(rule))));
    return result(std::move(y));
  }
  // Ends an op that has no gradient, or whose result has its history from inner ops.
  Tensor result(Tensor y) {
    if (opened_ != nullptr) [[unlikely]]
      see_results({&y, 1});
    return y;
  }
  Tensors results(Tensors ys) {
    if (opened_ != nullptr) [[unlikely]]
      see_results(ys);
    return ys;
  }
  // Ends the op that a rule is: what it gives; the undefined ones were not wanted.
  Gradients gradients(Gradients ys) {
    if (opened_ != nullptr) [[unlikely]]
      see_gradients(ys);
    return ys;
  }
  // Several results: the rule takes (const Gradients& grads, Wanted), one gradient an output.
  template <class F>
  void record_all(std::span<const Tensor> ys, F rule) {
    if (records()) {
      const Ref<Node> node = link(new detail::RuleNode<F>(name_, std::move(rule)));
      for (const Tensor& y : ys) node->outputs.push_back(Result(y));
      for (size_t i = 0; i < ys.size(); ++i)
        if (ys[i].is_floating_point()) detail::set_history(ys[i], node, int(i));
    }
    if (opened_ != nullptr) [[unlikely]]
      see_results(ys);
  }
  // Values with a gradient, and indices beside them.
  template <class F>
  void record_pair(const Tensor& values, const Tensor& indices, F rule) {
    if (records()) detail::set_history(values, link(new detail::RuleNode<F>(name_, std::move(rule))));
    if (opened_ != nullptr) [[unlikely]] {
      const Tensor both[] = {values, indices};
      see_results(both);
    }
  }
  // A view of the first operand.
  template <class F>
  Tensor record_view(const Layout& layout, F rule) {
    return record(detail::make_view(name_, *seen_[0].tensor, layout), std::move(rule));
  }

  // An op that writes its first operand calls begin_write before it does, as autograd::begin_in_place, and
  // then record_write, which gives it its new history.
  void begin_write();
  template <class F>
  void record_write(F rule) {
    if (records())
      detail::rebase_history(*seen_[0].tensor, link(new detail::RuleNode<F>(name_, std::move(rule))));
    written();
  }
  // The same for a result without a gradient.
  void written() {
    if (opened_ != nullptr) [[unlikely]]
      see_results({seen_[0].tensor, 1});
  }

 private:
  static constexpr int kMost = 8;
  struct Seen {
    const char* name;
    const Tensor* tensor;
    bool differentiable;
  };
  struct Opened;

  const Tensor& note(const char* name, const Tensor& x, Kind kind) {
    seen_[count_++] = {name, &x, detail::is_differentiable(kind)};
    return x;
  }
  const Tensor& add(const char* name, const Tensor& x, Kind kind, const Form& form) {
    if ((detail::types_of(kind) & detail::bit(x.dtype())) == 0) [[unlikely]]
      fail_type(name, x, kind);
    if (x.dim() < form.least || x.dim() > form.most) [[unlikely]]
      fail_form(name, x, form);
    if (first_ == nullptr)
      first_ = &x;
    else if (x.device() != first_->device()) [[unlikely]]
      fail_device(name, x);
    if (opened_ != nullptr) [[unlikely]]
      return note(name, cast(x, kind), kind);
    return note(name, x, kind);
  }
  [[noreturn]] void fail_undefined(const char* name) const;
  [[noreturn]] void fail_type(const char* name, const Tensor& x, Kind kind) const;
  [[noreturn]] void fail_form(const char* name, const Tensor& x, const Form& form) const;
  [[noreturn]] void fail_device(const char* name, const Tensor& x) const;

  void open();
  void close();
  const Tensor& cast(const Tensor& x, Kind kind);
  void see(Attribute attribute);
  void see_results(std::span<const Tensor> ys);
  void see_gradients(const Gradients& ys);
  bool find_wants() const;
  Ref<Node> link(Node* node) const;

  const char* name_;
  Opened* opened_ = nullptr;
  const Tensor* first_ = nullptr;
  const Tensors* list_ = nullptr;
  int count_ = 0;
  int wants_ = -1;
  Seen seen_[kMost];
};

}  // namespace kiln::autograd
