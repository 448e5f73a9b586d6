#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <kiln/autograd/ops.h>
#include <kiln/image/encode.h>
#include <kiln/io/bytes/json.h>

#include "tools/run_command.h"

// What all verbs have in common: help with an example, JSON, progress.

namespace kiln {
namespace {

using test::Command;
using test::contains;
using test::Ran;

// The names below "Subcommands:".
std::vector<std::string> commands_in(const std::string& help) {
  std::vector<std::string> names;
  std::istringstream lines(help.substr(std::min(help.find("Subcommands:\n"), help.size())));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line.starts_with("  "))
    if (line[2] != ' ') names.push_back(line.substr(2, line.find(' ', 2) - 2));
  return names;
}

// "data check", ...: the verbs that do something.
void find_verbs(const Command& kiln, const std::string& words, std::vector<std::string>& verbs) {
  const std::vector<std::string> below = commands_in(kiln.out(words + " --help"));
  if (below.empty()) verbs.push_back(words);
  for (const std::string& name : below)
    find_verbs(kiln, words.empty() ? name : fmt::format("{} {}", words, name), verbs);
}

bool has_json(const std::string& verb) {
  static const std::vector<std::string> kFiles = {"inspect", "convert", "diff", "verify", "annotate"};
  return std::find(kFiles.begin(), kFiles.end(), verb) == kFiles.end();
}

Value json_of(const Command& kiln, const std::string& words) {
  return io::parse_json(kiln.out(words), words, 16);
}

// Of one colour and of noise, so that no two are alike.
std::string picture(int red, int green, uint64_t seed, int64_t channels = 3) {
  Generator generator{seed};
  Tensor x =
      clamp(randn({channels, 40, 40}, {}, &generator) * 30 +
                tensor({red, green, 60, 255}).to(float32).narrow(0, 0, channels).reshape({channels, 1, 1}),
            0, 255)
          .to(uint8);
  return image::encode_png(x);
}

void write_set(const Command& kiln) {
  for (int i = 0; i < 8; ++i) {
    kiln.write(fmt::format("set/red/{}.png", i), picture(200, 60, 2 * i));
    kiln.write(fmt::format("set/green/{}.png", i), picture(60, 200, 2 * i + 1));
  }
}

// Standard error of the command at a terminal.
std::string at_terminal(const Command& kiln, const std::string& words) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(master >= 0);
  REQUIRE(::grantpt(master) == 0);
  REQUIRE(::unlockpt(master) == 0);
  const std::string name = ::ptsname(master);
  const int keeps_it_open = ::open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ::setenv("TERM", "xterm", 1);
  const Ran ran = kiln.run(words + " 2> " + name);
  std::string text(1 << 16, '\0');
  const ssize_t count = ::read(master, text.data(), text.size());
  ::close(keeps_it_open);
  ::close(master);
  CHECK(ran.status == 0);
  return text.substr(0, size_t(std::max<ssize_t>(count, 0)));
}

}  // namespace

TEST_CASE("every verb's help has an example, of options that it has") {
  const Command kiln;
  std::vector<std::string> verbs;
  find_verbs(kiln, "", verbs);
  CHECK(verbs.size() >= 24);
  for (const std::string& verb : verbs) {
    CAPTURE(verb);
    const std::string help = kiln.out(verb + " --help");
    const size_t at = help.find("Example: kiln " + verb + " ");
    REQUIRE(at != help.npos);
    std::istringstream words(help.substr(at));
    for (std::string word; words >> word;)
      if (word.starts_with("--")) CHECK_MESSAGE(help.substr(0, at).find(word) != help.npos, word);
    if (has_json(verb)) CHECK(contains(help, "--json"));
  }
}

TEST_CASE("kiln data: JSON says what was written") {
  const Command kiln;
  write_set(kiln);
  const Value split = json_of(kiln, "data split set --parts train=0.75,val=0.25 --out list.jsonl --json");
  CHECK(split.at("out") == "list.jsonl");
  CHECK(split.at("splits").at("train").at("pictures") == 12);
  CHECK(split.at("splits").at("val").at("classes").at("red") == 2);
  const Value packed = json_of(kiln, "data prepare list.jsonl --resize 32 --crop 32 --out p.kiln --json");
  CHECK(packed.at("pictures") == 16);
  CHECK(packed.at("bytes").as_int() > 16 * 3 * 32 * 32);
  CHECK(json_of(kiln, "data check set --json").at("errors") == 0);
  const Ran refused = kiln.run("data check p.kiln");
  CHECK(refused.status == 1);
  CHECK(contains(refused.error, "packed in p.kiln"));

  kiln.write("cut/red/a.png", picture(200, 60, 99, 4));
  const Value made = json_of(
      kiln, "data composite cut set --count 3 --objects 1 2 --scale 0.5 --degrees 10 --out scenes --json");
  CHECK(made.at("out") == "scenes/manifest.jsonl");
  CHECK(made.at("pictures") == 3);
  CHECK(made.at("objects").at("red").as_int() >= 3);
  CHECK(contains(kiln.out("data check scenes"), "3 pictures"));
  CHECK(contains(kiln.run("data composite cut set --out more --scale 0.8 0.3").error, "two rising numbers"));
}

TEST_CASE("kiln train, evaluate and predict: JSON, skipped pictures, a packed set") {
  const Command kiln;
  write_set(kiln);
  kiln.write("set/red/7.png", picture(200, 60, 3).substr(0, 200));
  const std::string train =
      "train --data set --model shufflenet_v2_x0_5 --image-size 32 --epochs 1 --batch-size 4 --augment none "
      "--device cpu --json ";
  const Ran strict = kiln.run(train + "--out strict");
  CHECK(strict.status == 1);
  CHECK(contains(strict.error, "set/red/7.png"));
  const Ran ran = kiln.run(train + "--out run --skip-bad 1");
  REQUIRE_MESSAGE(ran.status == 0, ran.error);
  const Value trained = io::parse_json(ran.out, "train", 16);
  CHECK(trained.at("best") == "run/best.kiln");
  CHECK(trained.at("epoch") == 1);
  CHECK(trained.at("metric") == "accuracy");
  REQUIRE(trained.at("skipped").size() == 1);
  CHECK(contains(trained.at("skipped")[0].as_string(), "set/red/7.png"));
  CHECK(trained.at("history")[0].at("skipped") == 1);
  CHECK_MESSAGE(contains(ran.error, "  1 skipped"), ran.error);
  CHECK(contains(kiln.run(train + "--out run2 --skip-bad 0").error, "set/red/7.png"));

  const Ran blind = kiln.run("evaluate run/best.kiln --data set --device cpu --json");
  CHECK(blind.status == 1);
  CHECK(contains(blind.error, "set/red/7.png"));
  const Value judged =
      json_of(kiln, "evaluate run/best.kiln --data set --device cpu --skip-bad 1 --json --out report");
  CHECK(judged.at("samples") == 15);
  CHECK(judged.at("skipped") == Value::list({"red/7.png"}));
  CHECK(contains(test::read_file(kiln / "report/report.txt"),
                 "1 picture could not be read and is left out: red/7.png"));

  kiln.write("set/red/7.png", picture(200, 60, 3));
  kiln.out("data prepare set --out set.kiln");
  const std::string files = kiln.out("evaluate run/best.kiln --data set --device cpu --json"),
                    packed = kiln.out("evaluate run/best.kiln --data set.kiln --device cpu --json");
  CHECK(files == packed);
  const std::string lines =
      kiln.out("predict run/best.kiln set/red/0.png set/green/0.png --device cpu --json");
  const Value first = io::parse_json(lines.substr(0, lines.find('\n')), "predict", 16);
  CHECK(first.at("file") == "set/red/0.png");
  CHECK(first.at("classes").size() == 2);
}

TEST_CASE("what a set lacks is named, with status 1") {
  const Command kiln;
  write_set(kiln);
  const auto refused = [&](const std::string& words, const std::string& message) {
    const Ran ran = kiln.run(words);
    CHECK(ran.status == 1);
    CHECK_MESSAGE(contains(ran.out + ran.error, message), ran.out, ran.error);
  };
  const std::string train = "train --model shufflenet_v2_x0_5 --device cpu --out run --data ";
  kiln.write("val.csv", "path,label,split\nset/red/0.png,red,train\nset/green/0.png,green,val\n");
  refused("data check val.csv", "the class 'green' has 1 pictures, none of them in the split train");
  refused(train + "val.csv", "only the validation set has the class 'green' (");
  kiln.write("gone.csv", "path,label\nset/red/0.png,red\nset/green/99.png,green\n");
  refused("data check gone.csv", "set/green/99.png");
  refused(train + "gone.csv", "train: 1 of 2 pictures are missing: set/green/99.png");
  kiln.write("empty.jsonl",
             "{\"classes\":[\"red\",\"blue\"]}\n{\"path\":\"set/red/0.png\",\"label\":\"red\"}\n");
  refused("data check empty.jsonl", "the class 'blue' has no picture");
  std::filesystem::create_directories(kiln / "set/blue");
  refused("data check set", "the class 'blue' has no picture");
  refused(train + "set", "no pictures are of the class 'blue'");
}

TEST_CASE("progress is drawn at a terminal, and nothing is written elsewhere") {
  const Command kiln;
  write_set(kiln);
  CHECK(contains(at_terminal(kiln, "data check set"), "checking"));
  CHECK(contains(at_terminal(kiln, "data prepare set --out p.kiln"), "packing"));
  CHECK(kiln.run("data check set").error.empty());
  CHECK(kiln.run("data prepare set --out q.kiln").error.empty());
}

}  // namespace kiln
