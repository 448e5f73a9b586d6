#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <kiln/kiln.h>

// What the code samples of the documentation take for granted (scripts/samples): declared, never defined.

namespace given {

struct Net : kiln::nn::Module {
  kiln::nn::Conv2d conv1{1, 32, 3};
  kiln::nn::BatchNorm2d bn1{32};
  kiln::nn::Linear fc{32, 10};
  NN_MEMBERS(conv1, bn1, fc)
  kiln::Tensor forward(const kiln::Tensor& x) { return fc(x); }
};

extern Net net, model;
extern kiln::optim::SGD optimizer, opt;
extern kiln::data::DataLoader loader;
extern kiln::train::Losses losses;
extern kiln::io::Progress bar;
extern kiln::Tensor x, y, a, b, g, target, labels, loss, batch;
extern kiln::Device device;
extern kiln::Value checkpoint;
extern std::string path;
extern int64_t epoch, step_count;
extern int dim;
extern bool graph;
extern double best, accuracy;
extern std::vector<double> epochs, train_loss, test_loss;

void train_an_epoch();
void step();
void train_on(const kiln::data::Batch& batch);
void train_on(const kiln::Tensor& x, const kiln::Tensor& y);
void use(const kiln::Value& value);
void resume_at(int64_t step);
kiln::Tensor softmax_backward(const kiln::Tensor& y, const kiln::Tensor& g, int dim);
struct NaiveSoftmax {
  kiln::Tensor operator()(const kiln::Tensors& inputs, const auto& row) const;
};
inline constexpr NaiveSoftmax naive_softmax;

}  // namespace given
