#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <filesystem>

#include <kiln/kiln.h>
#include <kiln/tensor/base/build_config.h>
#include <support/files.h>
#include <support/skip.h>

#include "examples/run.h"

using namespace kiln;
using namespace kiln::test;

TEST_CASE("Ctrl-C finishes the step, writes the checkpoint, says how to go on and ends with 130") {
  const Folder folder;
  write_fashion(folder);
  auto words = fashion("my out", false);
  words[6] = "1000";
  const Result first = run(folder, words, SIGINT, first_checkpoint(folder, "my out"));
  CHECK(first.status == 130);
  const int64_t step = end_of(folder, "my out").at("step").as_int();
  CHECK(step > 0);
  const int64_t epoch = step / (kTrain / 64) + 1;
  CHECK_MESSAGE(
      test::contains(first.output, "stopping after this step; once more ends the program at once\n"),
      first.output);
  const std::string go_on = "fashion_mnist --data . --out 'my out' --epochs 1000 --save-every 2 --resume\n";
  CHECK_MESSAGE(test::contains(first.output, fmt::format("stopped in epoch {}, after step {}\n"
                                                         "written: my out/checkpoint.kiln\ngo on with: ",
                                                         epoch, step)),
                first.output);
  CHECK(first.output.ends_with(go_on));
  // What it says is true, and said again once.
  words.push_back("--resume");
  const Result second = run(folder, words, SIGTERM, milliseconds(1500));
  CHECK(second.status == 130);
  CHECK(second.output.ends_with(go_on));
  CHECK(end_of(folder, "my out").at("step").as_int() > step);
}

TEST_CASE("a run that is resumed counts from where it was left") {
  const Folder folder;
  write_fashion(folder);
  auto words = fashion("out", false);
  words[6] = "1";
  words[8] = "1";
  CHECK(run(folder, words, SIGKILL, first_checkpoint(folder, "out")).status == -SIGKILL);
  words.push_back("--resume");
  const Result end = run(folder, words);
  CHECK_MESSAGE(test::contains(end.output, "epoch 1/1  100 %"), end.output);
  const Result again = run(folder, fashion("nowhere", true));
  CHECK(again.status == 0);
  CHECK(test::contains(again.output, "nowhere/checkpoint.kiln is not there: a new run begins\n"));
}

TEST_CASE("--help tells and never trains; a wrong word gives status 1 and the nearest") {
  const Folder folder;
  for (const char* program : {"fashion_mnist", "cifar10", "fit_points"}) {
    CAPTURE(program);
    const Result help = run(folder, {program, "--help"});
    CHECK(help.status == 0);
    CHECK(test::contains(help.output, std::string("Usage: ") + program));
    CHECK(test::contains(help.output, "--out"));
    const Result wrong = run(folder, {program, "--ot", "x"});
    CHECK(wrong.status == 1);
    CHECK(wrong.output == fmt::format("{0}: there is no option '--ot'; did you mean '--out'?\n"
                                      "{0} --help tells more\n",
                                      program));
    CHECK(run(folder, {program, "more"}).output ==
          fmt::format("{0}: 'more' is one word too many\n{0} --help tells more\n", program));
  }
  const std::string help = run(folder, {"fashion_mnist", "--help"}).output;
  CHECK_MESSAGE(test::contains(help, "--amp [bfloat16|float16]"), help);
  CHECK_MESSAGE(test::contains(help, "--epochs INT:POSITIVE=5"), help);
  CHECK(run(folder, {"fashion_mnist", "--epochs", "x"}).status == 1);
  CHECK(run(folder, {"fashion_mnist", "--epochs", "0"}).status == 1);
  CHECK_FALSE(std::filesystem::exists(folder / "fit_points.kiln"));
}

TEST_CASE("bad input gives one message and exit status 1") {
  const Folder folder;
  const Result missing = run(folder, {"fashion_mnist", "--data", "nowhere"});
  CHECK(missing.status == 1);
  CHECK(missing.output.find("nowhere") != std::string::npos);
  write_fashion(folder);
  CHECK(run(folder, {"fashion_mnist", "--data", ".", "--device", "gpu"}).status == 1);
  std::filesystem::resize_file(folder.path() + "/train-images-idx3-ubyte", 5000);
  const Result truncated = run(folder, {"fashion_mnist", "--data", "."});
  CHECK(truncated.status == 1);
  CHECK(truncated.output.find("train-images-idx3-ubyte") != std::string::npos);
}

TEST_CASE("fashion_mnist --profile prints where the time went and writes a trace") {
  const Folder folder;
  write_fashion(folder);
  const Result result = run(folder, fashion("out", false, {"--profile"}));
  REQUIRE_MESSAGE(result.status == 0, result.output);
  for (const char* part : {" recorded; ", "bn2", "loader", "SGD.step", "backward"}) {
    CAPTURE(part);
    CHECK(result.output.find(part) != std::string::npos);
  }
  CHECK(std::filesystem::exists(folder.path() + "/out/trace.json"));
}

TEST_CASE("fashion_mnist refuses the checkpoint of another model") {
  const Folder folder;
  write_fashion(folder);
  std::filesystem::create_directories(folder.path() + "/out");
  io::save(folder.path() + "/out/checkpoint.kiln", {{"model", StateDict{{"weight", tensor({1.f})}}}});
  const Result result = run(folder, fashion("out", true));
  CHECK(result.status == 1);
  CHECK(result.output.find("checkpoint.kiln") != std::string::npos);
}
