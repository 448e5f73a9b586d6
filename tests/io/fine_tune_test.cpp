#include <doctest/doctest.h>

#include <cstdlib>

#include <kiln/kiln.h>

#include "support/files.h"
#include "support/skip.h"

namespace kiln {
namespace {

struct Backbone : nn::Module {
  nn::Linear fc{4, 3};
  nn::BatchNorm1d bn{3};
  NN_MEMBERS(fc, bn)
  Tensor forward(const Tensor& x) { return relu(bn(fc(x))); }
};

struct Net : nn::Module {
  Backbone backbone;
  nn::Linear head{3, 2};
  NN_MEMBERS(backbone, head)
  Tensor forward(const Tensor& x) { return head(backbone(x)); }
};

}  // namespace

// The example of docs/files.md.
TEST_CASE("a DataParallel checkpoint gets a new head") {
  const test::TemporaryFolder folder;
  Backbone trained;
  io::save(folder / "trained.kiln",
           {{"epoch", 90}, {"state_dict", add_prefix(trained.state_dict(), "module.")}});

  Net net;
  const Value checkpoint = io::load(folder / "trained.kiln");
  const StateDict state = add_prefix(strip_prefix(weights_of(checkpoint), "module."), "backbone.");
  const nn::LoadResult result = net.load_state_dict(state, {.strict = false});
  CHECK(result.missing_keys == std::vector<std::string>{"head.weight", "head.bias"});
  CHECK(result.unexpected_keys.empty());
  CHECK(equal(net.backbone.fc.weight, trained.fc.weight));

  net.freeze("backbone");
  optim::SGD optimizer(net.head.parameters(), {.lr = 0.1, .momentum = 0.9});
  const Tensor head = net.head.weight.clone();
  net(tensor({{1.f, 2.f, 3.f, 4.f}, {-1.f, 0.f, 2.f, 5.f}})).sum().backward();
  optimizer.step();
  CHECK(equal(net.backbone.fc.weight, trained.fc.weight));
  CHECK(!equal(net.head.weight, head));
  io::save(folder / "tuned.pth",
           {{"state_dict", net.state_dict()}, {"optimizer", optimizer.state_dict()}, {"epoch", 5}});
  CHECK(io::load(folder / "tuned.pth")["state_dict"] == Value(net.state_dict()));

  const std::string python = "/usr/bin/python3 ";
  if (std::system((python + "-c 'import torch' 2>/dev/null").c_str()) != 0)
    return test::skip("python3-torch is not installed");
  const std::string command =
      python + "tests/io/fine_tune_python.py " + (folder / "tuned.pth") + " > " + (folder / "out") + " 2>&1";
  const int status = std::system(command.c_str());
  const std::string out = test::read_file(folder / "out");
  REQUIRE_MESSAGE(status == 0, out);
  CHECK(out == "0.1 0.9 2 5\n");
}

}  // namespace kiln
