#pragma once

#include <kiln/autograd/ops.h>
#include <kiln/nn/module.h>

// Layers that only move elements to other places.

namespace kiln::nn {

// [N, C, H, W] -> [N, C*H*W], unless told otherwise.
struct Flatten : Module {
  NN_MEMBERS()
  explicit Flatten(int start_dim = 1, int end_dim = -1) : start_dim_(start_dim), end_dim_(end_dim) {}
  Tensor forward(const Tensor& x) const { return flatten(x, start_dim_, end_dim_); }
  std::string extra_repr() const override {
    return "start_dim=" + std::to_string(start_dim_) + ", end_dim=" + std::to_string(end_dim_);
  }

 private:
  int start_dim_, end_dim_;
};

// Gives back what it gets: a place to put a layer later.
struct Identity : Module {
  NN_MEMBERS()
  Tensor forward(const Tensor& x) const { return x; }
};

// torchvision.ops.Permute: a view with its dimensions in this order.
struct Permute : Module {
  NN_MEMBERS()
  explicit Permute(const Dims& dims) : dims_(dims) {}
  Tensor forward(const Tensor& x) const { return permute(x, dims_); }

 private:
  Dims dims_;
};

struct ChannelShuffle : Module {
  NN_MEMBERS()
  explicit ChannelShuffle(int64_t groups) : groups_(groups) {}
  Tensor forward(const Tensor& x) const { return channel_shuffle(x, groups_); }
  std::string extra_repr() const override { return "groups=" + std::to_string(groups_); }

 private:
  int64_t groups_;
};

}  // namespace kiln::nn
