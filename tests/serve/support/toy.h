#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include <kiln/serve/batch/engine.h>
#include <kiln/serve/http/server.h>
#include <kiln/serve/routes/service.h>

namespace kiln::test {

// Three scores from four numbers: score k of version v is the sum of x[i] * (v + i * (k + 1)). A "picture" is
// a digit, of which the sample's numbers are d, d + 1, d + 2, d + 3; "0" is a damaged one.
class Toy : public serve::Engine {
 public:
  explicit Toy(int number, std::string version = "");

  const serve::ModelInfo& info() const override { return info_; }
  Tensor run(const Tensor& batch) override;
  Tensor prepare(std::string_view picture) const override;
  Tensor heat_map(const Tensor& sample, int64_t index) override;

  static std::vector<float> expected(int number, const std::vector<float>& x);

  std::atomic<int> delay_ms = 0;   // of a batch
  std::atomic<bool> held = false;  // no batch ends
  std::atomic<int> running = 0;    // batches
  std::atomic<int> most_rows = 0;  // seen so far
  std::atomic<bool> fails_on_negative = false;
  std::atomic<bool> is_bad = false;  // gives NaN

 private:
  int number_;
  serve::ModelInfo info_;
};

// A server with a service of a toy.
struct ToyServer {
  explicit ToyServer(const serve::ServiceOptions& options = {},
                     const serve::ServerOptions& server_options = {});
  // A batch that is held would be waited for.
  ~ToyServer() { toy->held = false; }
  int port() const { return server.port(); }
  // Until so many batches run, and so many samples wait; nothing else may change meanwhile.
  bool comes_to(int running, int waiting) const;

  std::shared_ptr<Toy> toy;
  serve::Service service;
  serve::Server server;
};

// Waits until it holds, half a minute at most: what happens on other threads takes as long as the machine
// likes.
bool comes_true(const std::function<bool()>& condition);

// A request of the Open Inference Protocol for one sample.
std::string infer_json(const std::vector<float>& x);

}  // namespace kiln::test
