#pragma once

#include <optional>

#include <kiln/optim/optimizer.h>
#include <kiln/tensor/value/value.h>

namespace kiln::optim {

struct GradScalerOptions {
  double init_scale = 65536;
  double growth_factor = 2;        // above 1
  double backoff_factor = 0.5;     // in (0, 1)
  int64_t growth_interval = 2000;  // steps in a row without an overflow until the scale grows
  bool enabled = true;             // false: scale gives the loss itself, step steps, update does nothing
};

// Keeps small gradients of a float16 backward pass from vanishing (Micikevicius et al., 2018, section 3.2):
// the loss is multiplied by a factor, the gradients divided by it before the step, and a step whose gradients
// are not finite is left out, with a smaller factor afterwards. As torch.amp.GradScaler:
//
//     optim::GradScaler scaler;
//     {
//       const Autocast amp(float16);
//       loss = cross_entropy(net(x), target);
//     }
//     optimizer.zero_grad();
//     scaler.scale(loss).backward();
//     scaler.unscale_(optimizer);  // only for those who look at the gradients, to clip them say
//     scaler.step(optimizer);
//     scaler.update();
//
// Factor, tracker and what was found live on the device of the loss; nothing here waits for it but get_scale
// and state_dict.
class GradScaler {
 public:
  // Throws when an option makes no sense.
  explicit GradScaler(const GradScalerOptions& options = {});

  // loss times the factor; differentiable.
  Tensor scale(const Tensor& loss);
  // Divides the gradients of the optimiser's parameters by the factor. Throws when that was done since the
  // last update(), for float16 gradients (their parameters would be float16: keep them in float32) and when
  // scale() was never called.
  void unscale_(Optimizer& optimizer);
  // unscale_, unless done; then optimizer.step(), unless a gradient was infinite or NaN. Throws when it was
  // called since the last update().
  void step(Optimizer& optimizer);
  // Adjusts the factor once all optimisers have stepped, or sets it.
  void update(std::optional<double> new_scale = {});

  double get_scale() const;
  bool is_enabled() const { return options_.enabled; }
  // PyTorch's: "scale", "growth_factor", "backoff_factor", "growth_interval", "_growth_tracker"; empty when
  // not enabled.
  Value state_dict() const;
  void load_state_dict(const Value& state);

 private:
  enum class Stage : uint8_t { fresh, unscaled, stepped };
  struct Known {
    const Optimizer* optimizer;
    Stage stage;
    Tensor found;  // 0-dim int32: whether a gradient of it was not finite
  };

  void start_on(Device device);
  Known& known(const char* op, const Optimizer& optimizer);
  void unscale(const char* op, const Optimizer& optimizer, Known& state);

  GradScalerOptions options_;
  Tensor scale_, tracker_;  // 0-dim float32 and int32
  std::vector<Known> optimizers_;
};

}  // namespace kiln::optim
