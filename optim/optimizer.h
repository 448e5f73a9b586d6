#pragma once

#include <span>
#include <string>

#include <kiln/optim/arena.h>
#include <kiln/optim/fields.h>

namespace kiln::optim {

// What all optimisers share. Parameters are leaves; those of a group that have one dtype and device live in
// one Arena, so a step is one pass over flat memory; after module.to(...) what is kept for them follows at
// the next step. Parameters that do not require grad, now or later, and those without a gradient are left
// out. Handles to parameters stay valid; pointers to their data do not. Not copyable: its parameters' memory
// is its own.
class Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer();

  // Updates every parameter from its gradient, in place. Throws when a parameter changed its shape since it
  // was given. In a captured graph (cuda::Graph) each replay is a step with the learning rate and the
  // momentum of that moment; a step as usual must have come before, which makes the state.
  void step();
  // The same unless `skip`, a 0-dim int32, holds another number than 0: what GradScaler found. On a GPU that
  // is decided there; the host waits only at the first call and when other parameters than before have
  // gradients; with SGD's dampening until a step was taken.
  void step_unless(const Tensor& skip);
  // Gradients become undefined (their memory waits for the next ones), or zero.
  void zero_grad(bool set_to_none = true);

  // Parameter groups are counted from 0, in the order given.
  size_t groups() const;
  const Tensors& params(size_t group = 0) const;
  double lr(size_t group = 0) const;
  // For schedulers: the learning rate, and the momentum (Adam: the first beta).
  virtual double& lr(size_t group = 0) = 0;
  virtual double momentum(size_t group = 0) const = 0;
  virtual void set_momentum(double momentum, size_t group = 0) = 0;
  // Numbers that schedulers keep with a group, as PyTorch does: "initial_lr", "max_lr". find_note gives null
  // when there is none.
  const double* find_note(const char* key, size_t group = 0) const;
  void set_note(const char* key, double value, size_t group = 0);

  // PyTorch's form: {"state": {0: {...}, ...}, "param_groups": [{"lr": 0.1, ..., "params": [0, 1]}]}. The
  // tensors in it share memory with the optimiser. float16 and bfloat16 parameters have "master_param" beside
  // PyTorch's keys: the float32 value they are rounded from; their other state is float32.
  Value state_dict() const;
  // Takes what state_dict() gave here or, through a file, in PyTorch; copies the tensors. Throws, with
  // nothing changed, when groups, sizes or shapes do not match.
  void load_state_dict(const Value& state);

  const char* name() const { return name_; }

 protected:
  explicit Optimizer(const char* name);

  void add_params(Tensors params);
  // The number of one of so many groups; throws when there is none of that number.
  size_t checked(size_t group, size_t groups) const;
  // The names of the blocks of state, and how many of them the group's options need.
  virtual std::span<const char* const> state_names() const = 0;
  virtual int states_needed(size_t group) const = 0;
  // Whether state holds a "step".
  virtual bool counts_steps() const = 0;
  // Whether a step from state that holds zeros is a first step.
  virtual bool starts_from_zeros(size_t) const { return true; }
  struct Step {
    Device device;
    int64_t number;                       // 1 at the first
    bool first;                           // the blocks of state hold zeros
    const kernels::StepNumbers* numbers;  // in a captured graph, else null
  };
  virtual void update(size_t group, const kernels::StepRun& run, const Step& step) = 0;
  virtual void visit(size_t group, Fields& fields) = 0;
  // Throws when the options of a group make no sense.
  virtual void check_options(size_t group) const = 0;

 private:
  struct Note {
    std::string key;
    double value;
  };
  struct Place {
    size_t arena, segment;
  };
  struct Group {
    Tensors params;
    std::vector<Arena> arenas;
    std::vector<Place> places;  // of each parameter
    std::vector<Note> notes;
  };

  void check_params(const Tensors& params) const;
  void arrange(Group& group) const;
  void rearrange(size_t group);
  void find_runs(size_t group);
  int64_t find_all_runs();
  bool can_skip_on_device();
  bool make_state();
  void step_unless_there(const Tensor& skip);
  void settle_skipped();
  kernels::StepRun conditional(kernels::StepRun run) const;
  void step_run(size_t group, size_t arena, const Arena::Run& run);
  void capture_run(size_t group, size_t arena, const Arena::Run& run);
  Value state_of(size_t group, const Arena& arena, const Arena::Segment& segment) const;
  void check_state(size_t group, size_t index, const Tensor& param, const Value& state) const;
  void load_state(Arena& arena, Arena::Segment& segment, const Value* state);
  void load_options(size_t group, const Value& saved);
  std::vector<const Value*> match_states(const Value& state) const;

  const char* name_;
  std::vector<Group> groups_;
  // For step_unless on a GPU: its condition, while it runs; there, 0-dim int64, how many of the steps that
  // segments have counted were left out, which settle_skipped takes off; whether there may be any; the runs
  // they were of.
  Tensor skip_, skipped_;
  bool pending_ = false;
  int64_t revisions_ = 0;
  int64_t arrangements_ = 0;  // how often parameters were put into other arenas
};

// An optimiser with options of this type in each group.
template <class Options>
class OptimizerWith : public Optimizer {
 public:
  struct Group {
    Tensors params;
    Options options = {};
  };

  // The group's options; they may be changed between steps.
  Options& options(size_t group = 0) { return options_[checked(group, options_.size())]; }
  const Options& options(size_t group = 0) const { return options_[checked(group, options_.size())]; }
  double& lr(size_t group = 0) final { return options_[checked(group, options_.size())].lr; }

  // Adds parameters with options of their own. Throws when one of them is in the optimiser already.
  void add_param_group(Tensors params, const Options& options) {
    options_.push_back(options);
    try {
      check_options(options_.size() - 1);
      add_params(static_cast<Tensors&&>(params));
    } catch (...) {
      options_.pop_back();
      throw;
    }
  }
  void add_param_group(const Group& group) { add_param_group(group.params, group.options); }

 protected:
  using Optimizer::Optimizer;

 private:
  std::vector<Options> options_;
};

}  // namespace kiln::optim
