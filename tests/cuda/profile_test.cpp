#include <doctest/doctest.h>

#include <algorithm>

#include <kiln/io/bytes/json.h>
#include <kiln/kiln.h>
#include <kiln/tensor/cuda/stream.h>
#include <support/files.h>

using namespace kiln;

namespace {

constexpr Device gpu = DeviceType::cuda;

const profile::Row& row(const std::vector<profile::Row>& rows, const char* name, bool backward = false) {
  const auto found = std::ranges::find_if(
      rows, [&](const profile::Row& r) { return r.name == name && r.backward == backward; });
  REQUIRE(found != rows.end());
  return *found;
}

void step(const Tensor& x) { matmul(x, x).exp().mean().backward(); }

}  // namespace

TEST_CASE("a session has the device's times of ops, forward and backward, by op, module and range") {
  const Tensor x = full({64, 64}, 0.01, {.device = gpu, .requires_grad = true});
  nn::Linear fc(64, 8);
  fc.to(gpu);
  profile::Session session;
  {
    const profile::Range range("three steps");
    for (int i = 0; i < 3; ++i) step(x);
  }
  fc(x.detach());
  session.stop();
  const std::vector<profile::Row> ops = session.ops(), ranges = session.ranges(), modules = session.modules();
  for (const bool backward : {false, true}) {
    const profile::Row& matmul = row(ops, "matmul", backward);
    CHECK(matmul.calls == (backward ? 6 : 3));
    CHECK(matmul.device_total > 0);
    CHECK(matmul.device_own <= matmul.device_total);
  }
  double of_ops = 0;
  for (const profile::Row& op : ops) {
    CHECK(op.device_own >= 0);
    of_ops += op.device_own;
  }
  CHECK(of_ops <= session.seconds());
  CHECK(row(ranges, "three steps").device_total >= row(ops, "matmul").device_total);
  CHECK(std::ranges::any_of(modules, [](const profile::Row& r) { return r.device_total > 0; }));
}

TEST_CASE("a trace has a process for the device, with the ops of each stream") {
  const test::TemporaryFolder folder;
  const Tensor x = full({64, 64}, 0.01, {.device = gpu, .requires_grad = true});
  profile::Session session;
  step(x);
  {
    const cuda::Stream side;
    const cuda::StreamGuard guard(side);
    exp(x.detach());
  }
  session.write_trace(folder / "trace.json");
  const Value trace = io::parse_json(test::read_file(folder / "trace.json"), "trace", 10);
  int on_host = 0, on_device = 0, names = 0;
  for (const Value& event : trace.at("traceEvents").items()) {
    const int64_t process = event.at("pid").as_int();
    if (event.at("ph").as_string() == "M") {
      names += process == 1 && event.at("args/name").as_string() == "cuda:0";
    } else if (event.at("name").as_string() == "exp" && event.at("cat").as_string() == "forward") {
      (process == 0 ? on_host : on_device) += 1;
      CHECK(process <= 1);
    }
  }
  CHECK(names == 1);
  CHECK(on_host == 2);
  CHECK(on_device == 2);
}

TEST_CASE("without device_times the device is not asked") {
  const Tensor x = full({64, 64}, 0.01, {.device = gpu, .requires_grad = true});
  profile::Session session({.device_times = false});
  step(x);
  session.stop();
  for (const profile::Row& op : session.ops()) CHECK(op.device_total == 0);
}
