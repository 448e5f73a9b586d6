#include <doctest/doctest.h>

#include <chrono>

#include <kiln/kiln.h>

using namespace kiln;

namespace {

struct Net : nn::Module {
  nn::Linear fc{2, 2};
  nn::BatchNorm1d bn{2};
  NN_MEMBERS(fc, bn)
  Tensor forward(const Tensor& x) { return bn(fc(x)); }
};

}  // namespace

TEST_CASE("a state dict loads into another model of the class") {
  Net a, b;
  const Tensor weight = b.fc.weight;
  a.bn.num_batches_tracked.fill_(5);
  CHECK(b.load_state_dict(a.state_dict()).ok());
  CHECK(equal(b.fc.weight, a.fc.weight));
  CHECK(weight.is_same(b.fc.weight));
  CHECK(!b.fc.weight.shares_storage(a.fc.weight));
  CHECK(b.bn.num_batches_tracked.item<int64_t>() == 5);
  CHECK(to_string(b.load_state_dict(a.state_dict())) == "all keys matched");
}

TEST_CASE("loading converts the dtype") {
  Net a, b;
  a.to(float64);
  b.load_state_dict(a.state_dict());
  CHECK(b.fc.weight.dtype() == float32);
  CHECK(allclose(b.fc.weight, a.fc.weight.to(float32)));
}

TEST_CASE("assign takes the tensors themselves") {
  Net a, b;
  a.to(float64);
  const Tensor weight = b.fc.weight;
  b.load_state_dict(a.state_dict(), {.assign = true});
  CHECK(weight.shares_storage(a.fc.weight));
  CHECK(weight.dtype() == float64);
  CHECK(weight.requires_grad());
}

TEST_CASE("what does not fit is listed, or is one error") {
  Net net;
  StateDict state = net.state_dict();
  state.erase("fc.bias");
  state["fc.bais"] = ones({2});
  state["fc.weight"] = full({3, 2}, 7.f);
  state["bn.weight"] = full({2}, 7.f);
  const std::string report =
      "1 missing, 1 unexpected, 1 of another shape\n"
      "  missing 'fc.bias' (did you mean 'fc.bais'?)\n"
      "  unexpected 'fc.bais' (did you mean 'fc.bias'?)\n"
      "  'fc.weight' has shape [2,2] here, [3,2] in the state";
  CHECK_THROWS_WITH_AS(net.load_state_dict(state),
                       ("load_state_dict: the state does not fit Net: " + report).c_str(), Error);
  CHECK(net.bn.weight.to_vector<float>() == std::vector<float>{1, 1});  // nothing was loaded

  const nn::LoadResult result = net.load_state_dict(state, {.strict = false});
  CHECK(to_string(result) == report);
  CHECK(result.missing_keys == std::vector<std::string>{"fc.bias"});
  CHECK(result.unexpected_keys == std::vector<std::string>{"fc.bais"});
  CHECK(result.mismatched_keys[0].found == Shape{3, 2});
  CHECK(net.bn.weight.to_vector<float>() == std::vector<float>{7, 7});
}

TEST_CASE("a prefix on every key is recognised") {
  Net net;
  StateDict state;
  for (const auto& [name, x] : net.state_dict()) state["module." + name] = x;
  const std::string report = to_string(net.load_state_dict(state, {.strict = false}));
  CHECK(report.find("missing 'fc.weight' (did you mean 'module.fc.weight'?)") != std::string::npos);
}

TEST_CASE("the names of another model give a short message at once") {
  nn::Sequential here, there;
  for (int i = 0; i < 600; ++i) {
    here.push_back("layer" + std::to_string(i), nn::Linear(1, 1));
    there.push_back("encoder_block_" + std::to_string(i), nn::Linear(1, 1));
  }
  std::string what;
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 5; ++i) {  // the machine may have other things to do in between
    const auto start = std::chrono::steady_clock::now();
    try {
      here.load_state_dict(there.state_dict());
    } catch (const Error& error) {
      what = error.what();
    }
    best = std::min(best, std::chrono::steady_clock::now() - start);
  }
  CHECK(best < std::chrono::milliseconds(300));
  CHECK(what.find("1200 missing, 1200 unexpected, 0 of another shape") != std::string::npos);
  CHECK(what.find("\n  and 1195 more missing\n") != std::string::npos);
  CHECK(what.size() < 2000);
}

TEST_CASE("files older than num_batches_tracked load") {
  Net net;
  StateDict state = net.state_dict();
  state.erase("bn.num_batches_tracked");
  CHECK(net.load_state_dict(state).ok());
}

TEST_CASE("integers do not become weights by assignment") {
  nn::Linear fc(1, 1, {.bias = false});
  const StateDict state{{"weight", tensor({{1}})}};
  CHECK_THROWS_WITH_AS(fc.load_state_dict(state, {.assign = true}),
                       "load_state_dict: 'weight' is float32, the given tensor int64; convert it first",
                       Error);
}
