#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

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

namespace {

// One of each kind that can be added, with values that `seed` tells, and all of them seen as one Value.
struct Kinds {
  explicit Kinds(int seed) {
    const NoGrad scope;
    for (const Tensor& parameter : net.parameters()) parameter.fill_(0.1 * seed);
    number = seed;
    small = uint8_t(seed);
    real = 0.5 * seed;
    flag = seed == 1;
    text = std::string("text ") + char('0' + seed);
    list = {double(seed), 2.0};
    value = {{"x", full({2}, seed)}};
    tensor = full({3}, float(seed));
    generator.manual_seed(uint64_t(seed));
    generator.next();
    train(2 + seed);
  }
  void train(int steps) {
    const EnableGrad grad;
    for (int i = 0; i < steps; ++i) {
      optimizer.zero_grad();
      scaler.scale(sum(net(ones({1, 2})))).backward();
      scaler.step(optimizer);
      scaler.update();
      schedule.step();
      plateau.step(1.0 / (i + number));
    }
    data::LoaderState state = loader.state();
    state.epoch = steps;
    loader.set_state(state);
  }

  int64_t number = 0;
  uint8_t small = 0;
  double real = 0;
  bool flag = false;
  std::string text;
  std::vector<double> list;
  Value value;
  Tensor tensor, nothing;
  Generator generator;
  Net net;
  optim::Adam optimizer{net.parameters(), {.lr = 0.1}};
  optim::StepLR schedule{optimizer, 3};
  optim::ReduceLROnPlateau plateau{optimizer};
  optim::GradScaler scaler{{.init_scale = 8, .growth_interval = 2}};
  data::DataLoader loader{data::TensorDataset({zeros({20, 2}, on_cpu)}), {.batch_size = 4}};
  double odd = 0;

  std::vector<std::function<void(Checkpoint&)>> adders = {
      [this](Checkpoint& c) { c.add("number", number); },
      [this](Checkpoint& c) { c.add("small", small); },
      [this](Checkpoint& c) { c.add("real", real); },
      [this](Checkpoint& c) { c.add("flag", flag); },
      [this](Checkpoint& c) { c.add("text", text); },
      [this](Checkpoint& c) { c.add("list", list); },
      [this](Checkpoint& c) { c.add("value", value); },
      [this](Checkpoint& c) { c.add("tensor", tensor); },
      [this](Checkpoint& c) { c.add("nothing", nothing); },
      [this](Checkpoint& c) { c.add("generator", generator); },
      [this](Checkpoint& c) { c.add("model", net); },
      [this](Checkpoint& c) { c.add("optimizer", optimizer); },
      [this](Checkpoint& c) { c.add("schedule", schedule); },
      [this](Checkpoint& c) { c.add("plateau", plateau); },
      [this](Checkpoint& c) { c.add("scaler", scaler); },
      [this](Checkpoint& c) { c.add("loader", loader); },
      [this](Checkpoint& c) {
        c.add(
            "odd", [this] { return Value(odd); },
            [this](const Value& x) {
              odd = -1;  // before it is known to fit
              odd = x.as_float();
            });
      }};

  // In the order of adding, from entry `first` on, round.
  Checkpoint checkpoint(const std::string& path, size_t first = 0) {
    Checkpoint checkpoint(path);
    for (size_t i = 0; i < adders.size(); ++i) adders[(first + i) % adders.size()](checkpoint);
    return checkpoint;
  }
  Value now() {
    Value seen = checkpoint("").state();
    for (Tensor* x : seen.tensors()) *x = x->detach().to(cpu).clone();
    return seen;
  }
};

// What fits no entry of that name, though it looks like one for a while.
Value spoilt(const std::string& name, const Value& good) {
  if (name == "small") return 300;
  if (name == "nothing") return 1;
  if (name == "value") return good;  // takes everything
  if (name == "tensor") return zeros({4});
  if (name == "list") return Value::list({1.0, "x"});
  if (!good.is_dict()) return Value::tuple({});
  Value bad = good;
  bad.entries().back().value = Value::tuple({"x"});
  return bad;
}

}  // namespace

TEST_CASE("a checkpoint that does not load changes nothing, whichever entry fails, in whatever place") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.kiln";
  Kinds saved(1);
  saved.checkpoint(path).save();
  const Value good = io::load(path);
  for (const Value::Entry& entry : good.entries()) {
    const std::string& name = entry.key.text();
    if (name == "value") continue;
    CAPTURE(name);
    Value bad = good;
    bad[name] = spoilt(name, entry.value);
    io::save(path, bad);
    for (size_t first = 0; first < good.size(); first += 4) {
      CAPTURE(first);
      Kinds other(3);
      other.odd = 5;
      const Value before = other.now();
      const Tensor handle = other.value.at("x").as_tensor();
      const std::string message = test::error_of([&] { other.checkpoint(path, first).load(); });
      CHECK_MESSAGE(test::contains(message, "a.kiln: entry '" + name + "' does not fit: "), message);
      CHECK(other.now() == before);
      CHECK(other.value.at("x").as_tensor().impl() == handle.impl());
      // It trains on as one that never tried.
      Kinds twin(3);
      twin.odd = 5;
      other.train(3), twin.train(3);
      CHECK(other.now() == twin.now());
    }
    bad.erase(name);
    io::save(path, bad);
    Kinds other(3);
    const Value before = other.now();
    CHECK(test::contains(test::error_of([&] { other.checkpoint(path).load(); }), "no entry '" + name + "'"));
    CHECK(other.now() == before);
  }
  io::save(path, good);
  Kinds other(3);
  other.checkpoint(path).load();
  CHECK(other.now() == good);
}

TEST_CASE("a checkpoint's numbers and tensors say what they cannot hold") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.kiln";
  io::save(path, {{"n", 300}, {"x", zeros({4}, on_cpu)}, {"a/b", 7}, {"a", {{"c", 1}}}});
  uint8_t n = 1;
  uint64_t unsigned_n = 0;
  Tensor x = zeros({3}), y, whole = zeros({4}, {.dtype = int64});
  int64_t slash = 0, nested = 0;
  Checkpoint(path).add("n", unsigned_n).add("a/b", slash).add("x", y).load();
  CHECK(unsigned_n == 300);
  CHECK(slash == 7);
  CHECK(y.shape() == Shape{4});
  expect_error("entry 'n' does not fit: value: 300 was saved, which the number here does not hold",
               [&] { Checkpoint(path).add("n", n).load(); });
  expect_error("entry 'x' does not fit: a tensor of float32 [4] was saved, this one is float32 [3]",
               [&] { Checkpoint(path).add("x", x).load(); });
  expect_error("entry 'x' does not fit", [&] { Checkpoint(path).add("x", whole).load(); });
  expect_error("there is no entry 'a/c'", [&] { Checkpoint(path).add("a/c", nested).load(); });
}

TEST_CASE("what is said when a run is left") {
  const char* words[] = {"./train", "--out", "my run", "it's", ""};
  CHECK(train::command_text(5, words, "--resume") == "./train --out 'my run' 'it'\\''s' '' --resume");
  const char* resumed[] = {"train", "--resume"};
  CHECK(train::command_text(2, resumed, "--resume") == "train --resume");
}

TEST_CASE("a second signal ends the program at once, and an ignored one stays ignored") {
  const auto status_of = [](void (*body)()) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (std::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(9);
      body();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  };
  const int twice = status_of([] {
    const train::Interrupt interrupt;
    std::raise(SIGINT);
    std::raise(SIGINT);
  });
  CHECK(WIFSIGNALED(twice));
  CHECK(WTERMSIG(twice) == SIGINT);
  CHECK(status_of([] {
          std::signal(SIGINT, SIG_IGN);
          const train::Interrupt interrupt;
          std::raise(SIGINT);
          ::_exit(interrupt.requested() ? 1 : 0);
        }) == 0);
  static int heard = 0;
  std::signal(SIGTERM, [](int) { ++heard; });
  { const train::Interrupt interrupt; }
  std::raise(SIGTERM);
  std::signal(SIGTERM, SIG_DFL);
  CHECK(heard == 1);
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

TEST_CASE(
    "what save accepts load reads: undefined and repeated tensors; a float says what it does not hold") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "c.kiln";
  Tensor gone, repeated = ones({1}).expand({3});
  double large = 1e300;
  train::Checkpoint(path).add("gone", gone).add("repeated", repeated).add("large", large).save();
  gone = ones({2});
  repeated = zeros({1}).expand({3});
  train::Checkpoint(path).add("gone", gone).add("repeated", repeated).load();
  CHECK_FALSE(gone.defined());
  CHECK(equal(repeated, ones({3})));
  float small = 1;
  CHECK_THROWS_AS(train::Checkpoint(path).add("large", small).load(), Error);
  CHECK(small == 1);
}
