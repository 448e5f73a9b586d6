#pragma once

#include <vector>

#include <kiln/nn/module.h>
#include <kiln/tensor/value/value.h>

namespace kiln::train {

struct EMAOptions {
  double decay = 0.999;
  // The decay at update t is at most (1 + t) / (10 + t), so that the first weights are soon forgotten.
  bool warm_up = true;
};

// The exponential moving average of a model's weights and floating buffers (Polyak & Juditsky, 1992;
// PyTorch's AveragedModel with use_buffers): average = decay * average + (1 - decay) * weight. Counters are
// the model's.
//
//     train::EMA ema(net, {.decay = 0.998});
//     optimizer.step();
//     ema.update();
//     const train::EMA::Applied averaged(ema);
//     const double accuracy = train::accuracy(net, loader);
//
// The averages begin as the weights and stay on their device. The model must outlive this, and keep its
// members. It can be an entry of a Checkpoint.
class EMA {
 public:
  // Throws for a decay outside 0 .. 1.
  explicit EMA(nn::Module& model, const EMAOptions& options = {});
  EMA(const EMA&) = delete;
  EMA& operator=(const EMA&) = delete;

  // Once after each step of the optimiser.
  void update();
  int64_t updates() const { return updates_; }
  // The model's state dict with the averages in it; they share memory with this.
  StateDict averages() const;

  // While it lives the model holds the averages; then its own weights again.
  class Applied {
   public:
    explicit Applied(const EMA& ema);
    ~Applied();
    Applied(const Applied&) = delete;
    Applied& operator=(const Applied&) = delete;

   private:
    StateDict current_;
    std::vector<Tensor> own_;
  };

  Value state_dict() const;
  // Copies. Throws, with nothing changed, when names or shapes are not the model's.
  void load_state_dict(const Value& state);

 private:
  nn::Module& model_;
  EMAOptions options_;
  int64_t updates_ = 0;
  StateDict averages_;  // of what is floating
};

}  // namespace kiln::train
