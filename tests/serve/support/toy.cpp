#include "serve/support/toy.h"

#include <chrono>
#include <cmath>
#include <thread>

#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>
#include <support/client.h>
#include <support/files.h>

namespace kiln::test {

Toy::Toy(int number, std::string version) : number_(number) {
  info_.name = "toy";
  info_.version = version.empty() ? fmt::format("{}", number) : std::move(version);
  info_.classes = {"ant", "bee", "cat"};
  info_.metrics = {{"accuracy", 0.9}};
  info_.input = {4};
}

std::vector<float> Toy::expected(int number, const std::vector<float>& x) {
  std::vector<float> scores;
  for (int k = 0; k < 3; ++k) {
    float sum = 0;
    for (int i = 0; i < 4; ++i) sum += x[size_t(i)] * float(number + i * (k + 1));
    scores.push_back(sum);
  }
  return scores;
}

Tensor Toy::run(const Tensor& batch) {
  ++running;
  std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
  while (held) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  --running;
  const Tensor x = batch.contiguous(), scores = empty({x.size(0), 3});
  most_rows = std::max(int(most_rows), int(x.size(0)));
  for (int64_t row = 0; row < x.size(0); ++row) {
    const float* begin = x.data<float>() + 4 * row;
    if (fails_on_negative && *begin < 0) fail("toy: {} is negative", *begin);
    const std::vector<float> one = expected(number_, {begin, begin + 4});
    std::copy(one.begin(), one.end(), scores.data<float>() + 3 * row);
  }
  if (is_bad) scores.data<float>()[0] = NAN;
  return scores;
}

Tensor Toy::prepare(std::string_view picture) const {
  if (picture.size() != 1 || picture[0] < '1' || picture[0] > '9')
    fail("decode: {} bytes are no picture", picture.size());
  const Tensor x = empty({4});
  for (int i = 0; i < 4; ++i) x.data<float>()[i] = float(picture[0] - '0' + i);
  return x;
}

Tensor Toy::heat_map(const Tensor& sample, int64_t) { return sample.reshape({2, 2}) / 16; }

namespace {

serve::ServerOptions patient(serve::ServerOptions options) {
  options.drain_timeout = std::chrono::milliseconds(2000);
  return options;
}

}  // namespace

ToyServer::ToyServer(const serve::ServiceOptions& options, const serve::ServerOptions& server_options)
    : toy(std::make_shared<Toy>(1)),
      service(options),
      server(patient(server_options), [this](serve::Request request, const serve::Reply& reply) {
        service.handle(std::move(request), reply);
      }) {
  service.serve(toy);
}

bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 3000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

bool ToyServer::comes_to(int running, int waiting) const {
  const std::string line = fmt::format("\nkiln_queue_rows {}\n", waiting);
  return comes_true([&] { return toy->running == running && contains(ask(port(), get("/metrics")), line); });
}

std::string infer_json(const std::vector<float>& x) {
  return fmt::format(R"({{"inputs":[{{"name":"input","shape":[1,4],"datatype":"FP32","data":[{}]}}]}})",
                     fmt::join(x, ","));
}

}  // namespace kiln::test
