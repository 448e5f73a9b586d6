#include <doctest/doctest.h>
#include <signal.h>

#include <cstdio>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/image/encode.h>
#include <kiln/io/bytes/json.h>
#include <kiln/models/models.h>
#include <kiln/models/whole_file.h>

#include "support/client.h"
#include "tools/run_command.h"

// `kiln store` and `kiln serve`, with a real network.

namespace kiln {
namespace {

using test::contains;

// A network of two classes that says `answer` whatever it sees.
void save_model(const std::string& path, int64_t answer, double accuracy) {
  models::Model net = models::create("shufflenet_v2_x0_5", {.num_classes = 2});
  net.card.class_names = {"cat", "dog"};
  net.card.metrics = {{"accuracy", accuracy}};
  net.card.preset.resize = net.card.preset.crop = 64;
  const NoGrad scope;
  for (auto& [name, x] : net.named_parameters())
    if (name == "fc.bias") x.data<float>()[answer] = 100;
  models::save(net, path);
}

std::string picture() {
  Tensor x = zeros({3, 70, 80}, {.dtype = uint8});
  return image::encode_png(x);
}

// `kiln serve`, until this goes.
class Serving {
 public:
  Serving(const std::string& folder, const std::string& arguments)
      : pipe_(::popen(fmt::format("cd {} && echo $$ && exec {} serve {} --port 0 2>> serve.txt", folder,
                                  KILN_COMMAND, arguments)
                          .c_str(),
                      "r")) {
    process_ = std::stoi(line());
    const std::string begins = line();
    const size_t colon = begins.rfind(':');
    if (colon != begins.npos) port = std::atoi(begins.c_str() + colon + 1);
  }
  ~Serving() {
    ::kill(process_, SIGTERM);
    ::pclose(pipe_);
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  int port = 0;

 private:
  std::string line() {
    char text[1024] = "0";
    if (std::fgets(text, sizeof text, pipe_) == nullptr) return "0";
    return text;
  }
  std::FILE* pipe_;
  pid_t process_ = 0;
};

std::string id_of(const std::string& out) { return out.substr(0, 64); }

}  // namespace

TEST_CASE("kiln store: add, promote, publish, roll back, compare, collect") {
  const test::Command command;
  save_model(command / "cat.kiln", 0, 0.5);
  save_model(command / "dog.kiln", 1, 0.75);
  for (int i = 0; i < 8; ++i) command.write(fmt::format("set/dog/{}.png", i), picture());
  const std::string cat = id_of(command.out("store add store cat.kiln --note first"));
  CHECK(contains(command.out("store promote store " + cat.substr(0, 6) + " --why start"),
                 "promote " + cat.substr(0, 12)));
  const std::string promoted = command.out("store publish store dog.kiln --data set --metric f1=0.5");
  CHECK(contains(promoted, "+1 in the mean of 8 samples (8 better, 0 worse)"));
  const test::Ran refused = command.run("store publish store " + cat + " --data set");
  CHECK(refused.status == 1);
  CHECK(contains(refused.out, "refuse " + cat.substr(0, 12)));
  const std::string list = command.out("store list store");
  CHECK(contains(list, "* "));
  CHECK(contains(list, "accuracy 0.75, f1 0.5"));
  const std::string dog = promoted.substr(8, 12);
  CHECK(contains(command.out("store diff store " + cat + " " + dog), "accuracy         0.5 -> 0.75"));
  CHECK(contains(command.out("store show --json store " + dog), "\"current\":true"));
  CHECK(contains(command.out("store rollback store"), "rollback " + cat.substr(0, 12)));
  CHECK(contains(command.out("store history store"), "rollback"));
  CHECK(command.out("store gc store").empty());
  const auto json_of = [&](const std::string& words) {
    return io::parse_json(command.out("store " + words + " --json"), words, 8);
  };
  const Value list_json = json_of("list store");
  REQUIRE(list_json.size() == 2);
  CHECK(list_json[1].at("metrics").at("f1") == 0.5);
  CHECK(json_of("add store cat.kiln").at("id") == cat);
  CHECK(json_of("promote store " + dog + " --why again").at("why") == "again");
  CHECK(json_of("rollback store").at("event") == "rollback");
  CHECK(json_of("pin store " + dog).at("version") == json_of("show store " + dog).at("id"));
  CHECK(json_of("unpin store " + dog).at("event") == "unpin");
  CHECK(json_of("history store").size() == 8);
  const Value difference = json_of("diff store " + cat + " " + dog);
  CHECK(difference.at("a") == cat);
  CHECK(difference.at("differences").at("accuracy") == Value{{"a", 0.5}, {"b", 0.75}});
  CHECK(difference.at("differences").at("f1").at("a").is_none());
  CHECK(json_of("gc store").at("removed").size() == 0);
  CHECK(contains(command.out("store gc store --rollbacks 0 --days 0"), "removed " + dog));
  for (const char* wrong :
       {"store add store none.kiln", "store show store 1234", "store publish store dog.kiln --data none",
        "store add store set/dog/0.png", "store add store dog.kiln --metric x"})
    CHECK(command.run(wrong).status == 1);
}

TEST_CASE("kiln serve: a picture is named, and a promotion is followed") {
  const test::Command command;
  save_model(command / "cat.kiln", 0, 0.5);
  save_model(command / "dog.kiln", 1, 0.75);
  const std::string cat = id_of(command.out("store add store cat.kiln")),
                    dog = id_of(command.out("store add store dog.kiln"));
  command.out("store promote store " + cat);
  const std::string fields = "Content-Type: image/png\r\n", admin = "Content-Type: application/json\r\n";
  const Serving serving(command.path(), "store --access-log access.txt");
  REQUIRE(serving.port > 0);
  const std::string first = test::ask(serving.port, test::post("/predict?heat=1", picture(), fields));
  CHECK(contains(first, "\"name\":\"cat\""));
  CHECK(contains(first, cat));
  CHECK(contains(first, "\"heat_map\":[["));
  command.out("store promote store " + dog);
  CHECK(test::status_of(test::ask(serving.port, test::post("/v2/repository/models/model/load", "", admin))) ==
        200);
  CHECK(
      contains(test::ask(serving.port, test::post("/predict", picture(), fields)), "\"top\":[{\"index\":1"));
  CHECK(test::status_of(test::ask(serving.port, test::post("/predict", picture().substr(0, 60), fields))) ==
        422);
  CHECK(contains(test::read_file(command / "access.txt"), "\"path\":\"/predict\",\"status\":200"));
}

TEST_CASE("kiln serve: what it cannot serve is said") {
  const test::Command command;
  command.write("no.kiln", "no model");
  for (const char* arguments : {"serve no.kiln", "serve none", "serve . --port 0"}) {
    const test::Ran ran = command.run(arguments);
    CHECK(ran.status == 1);
    CHECK(contains(ran.error, "kiln: "));
  }
}

}  // namespace kiln
