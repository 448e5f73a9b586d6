#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kiln/tensor/tensor.h>
#include <kiln/tensor/value/value.h>

namespace kiln::serve {

// What a server says of a model.
struct ModelInfo {
  std::string name = "model";  // in the routes
  std::string version = "1";   // of a store: its id
  std::string architecture;    // "efficientnet_lite0"
  std::vector<std::string> classes = {};
  Value metrics = Value::dict();
  Shape input = {};    // of one sample: [C,H,W] of a picture
  std::string preset;  // how pictures are prepared, for people
  double seen = 1;     // the side of the square in the middle that is looked at, over the shorter side
  std::string input_name = "input", output_name = "scores";
};

// A model that answers: float32 [N, input...] in, float32 scores [N,K] out, one a class. A row of the result
// must not depend on the others.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual const ModelInfo& info() const = 0;
  // Any thread may call both, several at once. They throw Error for what they cannot take.
  virtual Tensor run(const Tensor& batch) = 0;
  // The sizes, of at most `most` rows, that run() takes a batch apart into: the first run of a size is slow,
  // so self_test() runs each before there are requests.
  virtual std::vector<int64_t> batch_sizes(int64_t most) const;
  // The bytes of a PNG or JPEG file as one sample.
  virtual Tensor prepare(std::string_view picture) const = 0;
  // Of it, for what the picture says of its class: [H,W] in 0 .. 1, or undefined where the engine has none.
  virtual Tensor heat_map(const Tensor& sample, int64_t index);
};

// Runs it on made-up samples, one to `rows` of them, which warms it up too. Throws when the scores are not
// finite, not one a class, or differ between a sample alone and in a batch.
void self_test(Engine& engine, int64_t rows);

}  // namespace kiln::serve
