#pragma once

#include <kiln/tensor/tensor.h>

namespace kiln::kernels {
struct StepRun;
struct StepNumbers;
}  // namespace kiln::kernels

namespace kiln::optim {

// The flat memory of an optimiser: parameters of one dtype on one device lie one after the other in one
// block, their gradients in another and what the optimiser keeps for them in up to three more, at the same
// offsets. Each begins at a multiple of 64 bytes; the gaps hold zeros, so that neighbours are stepped as one
// vector, gaps included.
//
// Tensors follow their memory: a parameter's storage is moved here, with every handle and view of it, and its
// gradient is accumulated here. One that is given other memory later comes back at the next step, and what is
// kept for it takes its new order of dimensions; one that gets another dtype or device belongs in another
// arena. A parameter that shares its storage with other data, or is not dense, stays where it is and is
// copied in and out at each step.
class Arena {
 public:
  static constexpr int kStates = 3;

  // ready: all of it is here. apart: the gradient is used where it lies. copied: the parameter is elsewhere.
  enum class Activity : uint8_t { idle, ready, apart, copied };
  struct Segment {
    Tensor param;
    Tensor home;    // the gradient's memory
    Layout layout;  // the parameter's here, in elements of the block
    int64_t count;
    int64_t steps = 0;
    bool has_state = false;
    bool may_have_skipped = false;       // since the last uncount_steps
    Activity activity = Activity::idle;  // at the last step
    const void* grad = nullptr;          // read by it
    uint32_t version = 0;                // of the parameter's storage when its master was made
  };
  // Segments first .. last - 1, stepped as one vector: they have taken equally many steps.
  struct Run {
    size_t first, last;
  };

  // `op` names the optimiser in errors. All params have one dtype and device.
  Arena(const char* op, const Tensors& params);
  ~Arena();
  Arena(Arena&&) noexcept = default;

  std::vector<Segment>& segments() { return segments_; }
  const std::vector<Segment>& segments() const { return segments_; }
  Device device() const { return device_; }
  DType dtype() const { return dtype_; }

  // What is to be stepped now: parameters that require grad and have one. Gradients that lie elsewhere in
  // another order are fetched. Throws when a parameter changed its shape.
  const std::vector<Run>& find_runs();
  // As they were found last.
  const std::vector<Run>& runs() const { return runs_; }
  // Whether find_runs left out a parameter that has another dtype or device now.
  bool has_strangers() const { return has_strangers_; }
  // Grows when find_runs finds other runs than before.
  int64_t revision() const { return revision_; }
  // Around the step of a run: parameters that live elsewhere are fetched and stored.
  kernels::StepRun begin(const Run& run);
  void finish(const Run& run);
  // The step of the run was taken.
  void count_step(const Run& run, bool keeps_state, bool may_be_skipped);
  // So many of the steps that may be skipped were, since the last call.
  void uncount_steps(int64_t count);

  // Makes sure that `count` blocks of state exist; new ones hold zeros.
  void need_states(int count);
  // Gives those that are to be stepped and have no state yet `count` blocks of zeros, without a step.
  void make_state(int count);
  // What the optimiser keeps for a parameter: a tensor of its shape over the block, undefined when there is
  // no such block. master: the float32 value of a float16 or bfloat16 parameter.
  Tensor state(const Segment& segment, int index) const;
  Tensor master(const Segment& segment) const;
  // After steps or has_state of segments were changed from outside.
  void forget_runs() { stale_ = true; }
  void forget_master(Segment& segment) const { segment.version = segment.param.impl()->storage->version - 1; }

  void zero_grad(bool set_to_none);

 private:
  void place(const Segment& segment) const;
  void give_home(Segment& segment) const;
  void leave_home(Segment& segment) const;
  bool is_resident(const Segment& segment) const;
  bool bring_back(Segment& segment) const;
  void reorder(Segment& segment) const;
  Activity examine(Segment& segment);
  void sync_master(Segment& segment) const;
  Tensor slot_of_param(const Segment& segment) const;
  Tensor part(const Tensor& block, const Segment& segment) const;
  char* address(const Tensor& block, const Segment& segment) const;

  const char* op_;
  DType dtype_, state_dtype_;
  Device device_;
  Tensor params_, grads_, master_, states_[kStates];
  std::vector<Segment> segments_;
  std::vector<Run> runs_;
  bool stale_ = true, has_strangers_ = false;
  int64_t revision_ = 0;
};

}  // namespace kiln::optim
