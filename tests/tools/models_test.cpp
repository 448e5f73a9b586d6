#include "run_command.h"

#include <kiln/kiln.h>
#include <kiln/models/whole_file.h>

using namespace kiln;

namespace {

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("kiln models") {
  const test::Command kiln;
  const std::string list = kiln.out("models");
  CHECK(has(list,
            "\nresnet50                25557032     4.089    232   224  bilinear       80.86  "
            "resnet50-11ad3fa6.pth"));
  CHECK(has(kiln.out("models --json"),
            R"({"name":"resnet18","class":"ResNet","parameters":11689512,"gmacs":1.814,)"));
  const std::string one = kiln.out("models squeezenet1_1");
  CHECK(has(one, "squeezenet1_1: SqueezeNet, head classifier.1, options num_classes, dropout"));
  CHECK(has(one, "* IMAGENET1K_V1"));
  CHECK(has(one, "1,235,496"));
  const test::Ran wrong = kiln.run("models resnet5");
  CHECK(wrong.status == 1);
  CHECK(has(wrong.error, "did you mean 'resnet50'?"));
}

TEST_CASE("kiln inspect: the card of a whole network") {
  const test::Command kiln;
  models::Model net = models::create("lenet", {.num_classes = 2});
  net.card.class_names = {"cat", "d\x1b[31mog"};
  net.card.metrics = {{"accuracy", 0.875}};
  models::save(net, kiln / "net.kiln");
  const std::string text = kiln.out("inspect net.kiln");
  CHECK(text.starts_with("architecture  lenet\noptions       num_classes 2\n"));
  CHECK(has(text, "classes       cat, d?[31mog\nmetrics       accuracy 0.875\n"));
  CHECK(has(text, "fc3.weight"));
  Value file = io::load(kiln / "net.kiln");
  file.at("kiln.model/preset") = 3;
  io::save(kiln / "net.kiln", file);
  CHECK(has(kiln.out("inspect net.kiln"), "its card's 'preset' cannot be read"));
}
