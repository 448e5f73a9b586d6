#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <filesystem>

#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/kiln.h>
#include <kiln/project/classifier.h>
#include <support/files.h>
#include <support/skip.h>

#include "examples/run.h"

using namespace kiln;
using namespace kiln::test;

namespace {

// CIFAR-10's binary layout, with so many pictures a file; the brightness grows with the label.
void write_cifar10(const Folder& folder, int count) {
  Generator generator(1);
  for (const char* name :
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
    std::vector<uint8_t> records;
    for (int i = 0; i < count; ++i) {
      records.push_back(uint8_t(i % 10));
      for (int p = 0; p < 3072; ++p) records.push_back(pixel(generator, i % 10));
    }
    write_file(folder.path() + "/" + name + ".bin", records);
  }
}

// The number that follows a word.
double number_after(const std::string& text, const std::string& word) {
  const size_t at = text.rfind(word);
  REQUIRE_MESSAGE(at != text.npos, text);
  return std::stod(text.substr(at + word.size()));
}

// A picture of a class, as the data has them.
Tensor picture(int label) {
  Generator generator(9);
  Tensor x = empty({3, 32, 32}, {.dtype = uint8, .device = cpu});
  for (int64_t i = 0; i < x.numel(); ++i) x.data<uint8_t>()[i] = pixel(generator, label);
  return x;
}

}  // namespace

TEST_CASE("cifar10 trains on the binary layout") {
  const Folder folder;
  write_cifar10(folder, 60);
  const Result result = run(folder, {"cifar10", "--data", ".", "--epochs", "1", "--profile"});
  CHECK_MESSAGE(result.status == 0, result.output);
  for (const char* part : {" recorded; ", "conv2d_weight_grad (backward)", "conv3", "SGD.step"}) {
    CAPTURE(part);
    CHECK(result.output.find(part) != std::string::npos);
  }
  CHECK(std::filesystem::exists(folder.path() + "/trace.json"));
  CHECK(result.output.find("test accuracy: ") != std::string::npos);
  CHECK(io::load(folder.path() + "/cifar10.kiln").at("weights").as_state_dict().contains("conv3.weight"));

  const auto stop = [&](const Words& words) {
    std::filesystem::remove(folder / "cifar10.kiln");
    return run(folder, words, SIGINT, [&] {
      for (int i = 0; i < 60000 && !std::filesystem::exists(folder / "cifar10.kiln"); ++i) milliseconds(1)();
    });
  };
  const Result first = stop({"cifar10", "--data", ".", "--epochs", "1000"});
  CHECK(first.status == 130);
  CHECK_MESSAGE(
      test::contains(first.output, ", of which nothing is kept\nwritten: cifar10.kiln (after epoch "),
      first.output);
  CHECK(test::contains(first.output, "cifar10 --data . --epochs 1000 --resume\n"));
  const int64_t epoch = io::load(folder / "cifar10.checkpoint.kiln").at("epoch").as_int();
  const Result second = stop({"cifar10", "--data", ".", "--epochs", "1000", "--resume"});
  CHECK(second.status == 130);
  CHECK(io::load(folder / "cifar10.checkpoint.kiln").at("epoch").as_int() > epoch);
}

TEST_CASE("cifar10 --model trains a network of torchvision, and predict names a picture by it") {
  const Folder folder;
  write_cifar10(folder, 8);
  Words words = {"cifar10",      "--data", ".",        "--model", "resnet34", "--device", "cpu",
                 "--batch-size", "20",     "--epochs", "1",       "--out",    "net.kiln", "--every"};
  const Result first = run(folder, words);
  REQUIRE_MESSAGE(first.status == 0, first.output);
  CHECK(contains(first.output, "epoch 1: test loss: "));
  words[10] = "2";
  words.push_back("--resume");
  const Result second = run(folder, words);
  REQUIRE_MESSAGE(second.status == 0, second.output);
  CHECK(contains(second.output, "epoch 2: test loss: "));
  for (const char* name : {"net.kiln", "net-1.kiln", "net-2.kiln"})
    CHECK(std::filesystem::exists(folder / name));
  std::string events;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "runs/cifar10"))
    events += read_file(entry.path());
  for (const char* tag : {"loss/train", "loss/test", "accuracy/test"}) CHECK(contains(events, tag));

  const project::Classifier classifier(folder / "net.kiln");
  CHECK(classifier.card().architecture == "resnet34");
  CHECK(classifier.card().metrics[1].second * 100 ==
        doctest::Approx(number_after(second.output, "accuracy: ")));
  image::write(folder / "frog.png", picture(6));
  const project::Guess guess = classifier.predict(picture(6), 1)[0];
  const Result named = run(folder, {"predict", "net.kiln", "frog.png", "--top", "1", "--device", "cpu"});
  CHECK(named.status == 0);
  CHECK(named.output == fmt::format("frog.png: {} {:.2f} %\n", guess.name, 100 * guess.probability));
}

TEST_CASE("predict names pictures by what the classic network learned, and says what it cannot read") {
  const Folder folder;
  write_cifar10(folder, 60);
  const Result trained = run(folder, {"cifar10", "--data", ".", "--device", "cpu", "--epochs", "8",
                                      "--batch-size", "20", "--lr", "0.03"});
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(number_after(trained.output, "test accuracy: ") > 20);  // by chance 10
  image::write(folder / "x.png", picture(0));
  const Result named = run(folder, {"predict", "cifar10.kiln", "x.png", "--device", "cpu"});
  CHECK_MESSAGE(named.output.starts_with("x.png: airplane "), named.output);
  const Result none = run(folder, {"predict", "cifar10.kiln", "none.png", "--device", "cpu"});
  CHECK(none.status == 1);
  CHECK(contains(none.output, "predict: none.png"));
  CHECK(contains(run(folder, {"predict", "x.png", "x.png"}).output, "predict: "));
  CHECK(contains(run(folder, {"predict", "--help"}).output, "Example: predict "));
  CHECK(contains(run(folder, {"cifar10", "--data", ".", "--model", "resnet35"}).output, "resnet34"));
}

TEST_CASE("cifar10 --model trains on a GPU as on the CPU") {
  if (!cuda_is_available()) return test::skip("there is no CUDA device");
  const Folder folder;
  write_cifar10(folder, 4);
  const auto loss = [&](const std::string& device) {
    const Result result =
        run(folder, {"cifar10", "--data", ".", "--model", "shufflenet_v2_x0_5", "--epochs", "1",
                     "--batch-size", "10", "--lr", "0.001", "--device", device, "--out", device + ".kiln"});
    REQUIRE_MESSAGE(result.status == 0, result.output);
    return number_after(result.output, "test loss: ");
  };
  CHECK(loss("cuda") == doctest::Approx(loss("cpu")).epsilon(1e-3));
}
