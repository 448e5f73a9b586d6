#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include <kiln/kiln.h>
#include <support/files.h>

using namespace kiln;

namespace {

struct Block : nn::Module {
  nn::Linear fc{8, 8};
  NN_MEMBERS(fc)
  Tensor forward(const Tensor& x) { return relu(fc(x)); }
};
struct Net : nn::Module {
  nn::Conv2d conv1{2, 4, 3, {.padding = 1}};
  Block block;
  NN_MEMBERS(conv1, block)
  Tensor forward(const Tensor& x) { return block(mean(conv1(x), {1, 2})); }
};

const profile::Row& row(const std::vector<profile::Row>& rows, const std::string& name,
                        bool backward = false) {
  static const profile::Row none;
  const auto at = std::ranges::find_if(
      rows, [&](const profile::Row& r) { return r.name == name && r.backward == backward; });
  return at == rows.end() ? none : *at;
}

void sleep(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

}  // namespace

TEST_CASE("each call of an op is counted, with the bytes and FLOP of its definition") {
  const Tensor a = ones({4, 6}), b = ones({6, 5}), image = ones({2, 3, 8, 8}), weight = ones({7, 3, 3, 3});
  profile::Session session;
  for (int i = 0; i < 3; ++i) matmul(a, b);
  a + a;
  a.t();
  conv2d(image, weight, {}, {.padding = 1});
  linear(a, ones({5, 6}), ones({5}));
  session.stop();
  a + a;  // nobody looks
  const std::vector<profile::Row> ops = session.ops();
  CHECK(row(ops, "matmul").calls == 3);
  CHECK(row(ops, "matmul").flop == 3 * 2 * 4 * 6 * 5);
  CHECK(row(ops, "matmul").bytes == 3 * 4 * (4 * 6 + 6 * 5 + 4 * 5));
  CHECK(row(ops, "add").calls == 1);
  CHECK(row(ops, "add").flop == 24);
  CHECK(row(ops, "add").bytes == 3 * 4 * 24);
  CHECK(row(ops, "conv2d").flop == 2 * 2 * 7 * 8 * 8 * 3 * 3 * 3);
  CHECK(row(ops, "linear").flop == 2 * 4 * 5 * 6 + 4 * 5);
  CHECK(row(ops, "transpose").calls + row(ops, "t").calls >= 1);
  CHECK(row(ops, "transpose").bytes == 0);
}

TEST_CASE("gradients of products count their own FLOP") {
  Tensor image = ones({2, 3, 8, 8}), weight = ones({7, 3, 3, 3});
  image.requires_grad_();
  weight.requires_grad_();
  const Tensor y = conv2d(image, weight, {}, {.padding = 1});
  profile::Session session;
  sum(y).backward();
  const std::vector<profile::Row> ops = session.ops();
  CHECK(row(ops, "conv2d_input_grad", true).flop == 2 * 2 * 7 * 8 * 8 * 27);
  CHECK(row(ops, "conv2d_weight_grad", true).flop == 2 * 2 * 7 * 8 * 8 * 27);
  CHECK(row(session.ranges(), "backward").calls == 1);
  CHECK(row(session.ranges(), "backward").flop >= 2 * 2 * 2 * 7 * 8 * 8 * 27);
}

TEST_CASE("an op that is made of others has neither their bytes nor their FLOP nor their time") {
  const Tensor v = ones({6}), w = ones({6, 5});
  profile::Session session;
  matmul(v, w);  // calls matmul of two matrices
  const std::vector<profile::Row> ops = session.ops();
  const profile::Row& found = row(ops, "matmul");
  CHECK(found.calls == 2);
  CHECK(found.flop == 2 * 6 * 5);
  CHECK(found.bytes == 4 * (6 + 30 + 5));
  CHECK(found.own <= found.total);
  double own = 0;
  for (const profile::Row& op : ops) own += op.own;
  CHECK(own <= session.seconds());
  CHECK(found.total <= session.seconds());
}

TEST_CASE("own time is without what is inside") {
  profile::Session session;
  {
    const profile::Range outer("outer");
    sleep(20);
    for (int i = 0; i < 2; ++i) {
      const profile::Range inner("in", "ner");
      sleep(30);
    }
  }
  const std::vector<profile::Row> ranges = session.ranges();
  const profile::Row &outer = row(ranges, "outer"), &inner = row(ranges, "inner");
  CHECK(outer.calls == 1);
  CHECK(inner.calls == 2);
  CHECK(inner.own == inner.total);
  CHECK(inner.total >= 0.06);
  CHECK(outer.total >= 0.08);
  CHECK(outer.own == doctest::Approx(outer.total - inner.total));
  CHECK(outer.own >= 0.02);
}

TEST_CASE("a range inside one of its name counts its time once") {
  profile::Session session;
  {
    const profile::Range outer("walk");
    const profile::Range inner("walk");
    ones({4}) + 1;
    sleep(10);
  }
  const std::vector<profile::Row> ranges = session.ranges();
  CHECK(row(ranges, "walk").calls == 2);
  CHECK(row(ranges, "walk").total <= session.seconds());
  CHECK(row(ranges, "walk").flop == 4);
}

TEST_CASE("a module has the time of its forward and of the gradients of its ops") {
  Net net;
  const Tensor x = ones({2, 2, 8, 8});
  profile::Session session;
  for (int i = 0; i < 3; ++i) sum(net(reshape(x, {2, 2, 8, 8}))).backward();
  const std::vector<profile::Row> modules = session.modules();
  for (const char* name : {"conv1", "block.fc"}) {
    CAPTURE(name);
    CHECK(row(modules, name).calls >= 6);
    CHECK(row(modules, name).own_in_forward > 0);
    CHECK(row(modules, name).own_in_backward > 0);
    CHECK(row(modules, name).own ==
          doctest::Approx(row(modules, name).own_in_forward + row(modules, name).own_in_backward));
  }
  const profile::Row& block = row(modules, "block");
  CHECK(block.total == doctest::Approx(block.own + row(modules, "block.fc").own));
  CHECK(block.own_in_backward > 0);  // that of relu
  double own = 0;
  for (const profile::Row& module : modules) own += module.own;
  double ops = 0;
  for (const profile::Row& op : session.ops()) ops += op.own;
  CHECK(own == doctest::Approx(ops));
}

TEST_CASE("an op that gives its operand back does not take over its gradient") {
  struct Normed : nn::Module {
    nn::Conv2d conv{2, 4, 3, {.padding = 1, .bias = false}};
    nn::BatchNorm2d bn{4};
    NN_LOCAL_MEMBERS(conv, bn)
    Tensor forward(const Tensor& x) { return bn(contiguous(conv(x))); }
  } net;
  const Tensor x = ones({2, 2, 8, 8});
  profile::Session session;
  sum(net(x)).backward();
  // Forward, and the gradient of the weight.
  CHECK(row(session.modules(), "conv").flop == 2 * 2 * 2 * 4 * 8 * 8 * 2 * 3 * 3);
}

TEST_CASE("memory of a dead node does not give its module to another's gradients") {
  Net net;
  const Tensor x = ones({2, 2, 8, 8});
  Tensor w = ones({4});
  w.requires_grad_();
  profile::Session session;
  for (int i = 0; i < 20; ++i) {
    net(x);  // its graph is dropped
    sum(w * 2).backward();
  }
  for (const profile::Row& module : session.modules()) {
    CAPTURE(module.name);
    CHECK((module.own_in_backward > 0) == module.name.empty());
  }
}

TEST_CASE("all threads are seen, each with ranges of its own") {
  profile::Session session;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      const Tensor x = ones({16});
      for (int i = 0; i < 100; ++i) {
        const profile::Range range("work");
        const Tensor y = x + 1;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(row(session.ops(), "add").calls == 400);
  CHECK(row(session.ranges(), "work").calls == 400);
  CHECK(row(session.ranges(), "work").flop == 400 * 16);
}

TEST_CASE("an op that throws is a call, and what follows is nested as before") {
  const Tensor a = ones({2, 3});
  profile::Session session;
  {
    const profile::Range outer("outer");
    CHECK(test::contains(test::error_of([&] {
                           const profile::Range inner("inner");
                           matmul(a, a);
                         }),
                         "matmul"));
    a + 1;
  }
  const std::vector<profile::Row> ops = session.ops(), ranges = session.ranges();
  CHECK(row(ops, "matmul").calls == 1);
  CHECK(row(ops, "matmul").flop == 0);
  CHECK(row(ranges, "inner").flop == 0);
  CHECK(row(ranges, "outer").flop == 6);
  CHECK(row(ranges, "outer").own <= row(ranges, "outer").total);
}

TEST_CASE("nothing is recorded before a session, after it, or of what is only half inside") {
  auto half = make_box<profile::Range>("before");
  profile::Session first;
  half = nullptr;
  CHECK(first.ranges().empty());
  CHECK(first.ops().empty());

  auto session = make_box<profile::Session>();
  auto open = make_box<profile::Range>("open");
  session->stop();
  const profile::Range later("later");
  ones({3}) + 1;
  profile::Session next;
  open = nullptr;  // of the session before
  CHECK(session->ranges().empty());
  CHECK(next.ranges().empty());
  CHECK(next.ops().empty());
}

TEST_CASE("a second session at a time is an error") {
  {
    const profile::Session session;
    CHECK(test::contains(test::error_of([] { const profile::Session other; }),
                         "stop it before another begins"));
  }
  const profile::Session again;
}

TEST_CASE("an optimiser's step, a backward pass and a wait for a batch are ranges") {
  Net net;
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  const data::DataLoader loader(data::TensorDataset({ones({8, 2, 8, 8})}), {.batch_size = 4, .workers = 1});
  profile::Session session;
  for (const data::Batch& batch : loader.epoch(0)) {
    sum(net(batch[0])).backward();
    optimizer.step();
  }
  const std::vector<profile::Row> ranges = session.ranges();
  CHECK(row(ranges, "SGD.step").calls == 2);
  CHECK(row(ranges, "backward").calls == 2);
  CHECK(row(ranges, "loader").calls == 3);  // the last finds the end
}
