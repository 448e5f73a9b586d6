#pragma once

// Internal: requests and answers of the Open Inference Protocol (KServe v2, REST) with Triton's extensions
// for binary tensors and classification.

#include <optional>
#include <string>

#include <kiln/serve/batch/batcher.h>
#include <kiln/serve/http/message.h>

namespace kiln::serve {

struct Inference {
  Value id;  // none, or a string
  Tensor input;
  bool binary = false;     // the answer's tensor
  int64_t classes = 0;     // 0: scores, else so many classes with their labels
  int64_t timeout_us = 0;  // 0: none
};

// Throws HttpError. Samples are of the shape that the model says, `most_rows` at most; what would need more
// memory than these is refused before it is read.
Inference read_inference(const Request& request, const ModelInfo& info, int64_t most_rows);

Response inference_response(const Inference& inference, const ModelInfo& info, const Outcome& outcome);

// Those with the highest numbers, the highest first; of equal ones the first.
std::vector<int64_t> top(const float* numbers, int64_t count, int64_t most);

}  // namespace kiln::serve
