#include <doctest/doctest.h>

#include <csignal>

#include <kiln/io/load.h>
#include <kiln/train/train.h>
#include <support/check_op.h>
#include <support/device.h>
#include <support/files.h>

using namespace kiln;
using test::expect_error;
using train::Checkpoint;

namespace {

struct Net : nn::Module {
  nn::Linear fc{2, 1};
  NN_MEMBERS(fc)
  Tensor forward(const Tensor& x) { return fc(x); }
};

const TensorOptions on_cpu{.device = cpu};

// Everything that a run keeps.
struct Run {
  Net net;
  optim::SGD optimizer{net.parameters(), {.lr = 0.1, .momentum = 0.9}};
  optim::StepLR schedule{optimizer, 3};
  data::DataLoader loader{data::TensorDataset({rand({20, 2}, on_cpu), rand({20, 1}, on_cpu)}),
                          {.batch_size = 4, .shuffle = true, .seed = 3}};
  int64_t step = 0;
  double best = 0.25;
  bool done = false;
  std::vector<double> losses;
  std::string note = "first";
  Generator generator{7};
  Checkpoint checkpoint;

  explicit Run(const std::string& path) : checkpoint(path) {
    checkpoint.add("model", net).add("optimizer", optimizer).add("schedule", schedule).add("loader", loader);
    checkpoint.add("step", step)
        .add("best", best)
        .add("done", done)
        .add("losses", losses)
        .add("note", note)
        .add("generator", generator);
  }

  void take_steps(int64_t count) {
    for (int64_t epoch = loader.state().epoch; count > 0; ++epoch)
      for (const auto& batch : loader.epoch(epoch)) {
        optimizer.zero_grad();
        const Tensor loss = mse_loss(net(batch[0].to(test::device()) + randn({1}, {}, &generator) * 0.01),
                                     batch[1].to(test::device()));
        loss.backward();
        optimizer.step();
        schedule.step();
        losses.push_back(loss.item<double>());
        ++step;
        if (--count == 0) break;
      }
  }
};

// The input as scores, when dropout is off.
struct Scores : nn::Module {
  nn::Dropout dropout{0.5};
  NN_MEMBERS(dropout)
  Tensor forward(const Tensor& x) { return dropout(x); }
};

}  // namespace

TEST_CASE("a run that stops anywhere and goes on ends in the same bits") {
  const test::TemporaryFolder folder;
  manual_seed(1);
  Run whole(folder.path() + "/whole.kiln");
  whole.take_steps(13);
  for (const int64_t stop : {1, 4, 5, 9}) {
    manual_seed(1);
    Run first(folder.path() + "/deep/part.kiln");
    first.take_steps(stop);
    first.checkpoint.save();
    Run second(folder.path() + "/deep/part.kiln");
    manual_seed(99);  // what the new process draws must not matter
    second.note = "second";
    manual_seed(1);
    Run resumed(folder.path() + "/deep/part.kiln");
    REQUIRE(resumed.checkpoint.exists());
    resumed.checkpoint.load();
    resumed.take_steps(13 - stop);
    CHECK(equal(resumed.net.fc.weight, whole.net.fc.weight));
    CHECK(equal(resumed.net.fc.bias, whole.net.fc.bias));
    CHECK(resumed.losses == whole.losses);
    CHECK(resumed.step == 13);
    CHECK(resumed.note == "first");
    CHECK(resumed.optimizer.lr() == whole.optimizer.lr());
  }
}

TEST_CASE("a checkpoint says which file and which entry does not fit") {
  const test::TemporaryFolder folder;
  Run run(folder.path() + "/a.kiln");
  CHECK_FALSE(run.checkpoint.exists());
  expect_error("a.kiln", [&] { run.checkpoint.load(); });
  run.checkpoint.save();
  int64_t extra = 0;
  expect_error("there are two entries named 'step'", [&] { run.checkpoint.add("step", extra); });
  run.checkpoint.add("extra", extra);
  expect_error("a.kiln: there is no entry 'extra'", [&] { run.checkpoint.load(); });
  nn::Linear other(3, 1);
  Checkpoint wrong(folder.path() + "/a.kiln");
  wrong.add("model", other);
  expect_error("a.kiln: entry 'model' does not fit: ", [&] { wrong.load(); });
  io::save(folder.path() + "/list.kiln", Value::list({1, 2}));
  expect_error("it holds a list, not a dict of entries",
               [&] { Checkpoint(folder.path() + "/list.kiln").load(); });
  expect_error("the folder cannot be made", [&] {
    Checkpoint below_a_file(folder.path() + "/a.kiln/b.kiln");
    below_a_file.save();
  });
}

TEST_CASE("Ctrl-C is a request first") {
  {
    const train::Interrupt interrupt;
    CHECK_FALSE(interrupt.requested());
    std::raise(SIGINT);
    CHECK(interrupt.requested());
    expect_error("there is one already", [] { train::Interrupt second; });
  }
  const train::Interrupt fresh;
  CHECK_FALSE(fresh.requested());
}

TEST_CASE("accuracy counts the rows whose largest score is the label's") {
  Scores net;
  const Tensor x = tensor({{1.f, 2.f}, {3.f, 0.f}, {0.f, 1.f}}), y = tensor({1, 0, 0});
  const data::DataLoader loader(data::TensorDataset({x.to(cpu), y.to(cpu)}), {.batch_size = 2});
  CHECK(train::accuracy(net, loader, test::device()) == doctest::Approx(2.0 / 3));
  CHECK(net.is_training());
}
