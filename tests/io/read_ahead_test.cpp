#include <doctest/doctest.h>

#include <array>
#include <stdexcept>

#include <kiln/autograd/ops.h>
#include <kiln/io/bytes/read_ahead.h>
#include <kiln/io/load.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cpu/context.h>

#include "support/files.h"
#include "support/pickle_pieces.h"

namespace kiln {

TEST_CASE("read ahead: each part is read once, whoever waits for what") {
  constexpr size_t kParts = 100;
  for (const int threads : {1, 2, 4}) {
    std::array<std::atomic<int>, kParts> reads = {};
    {
      io::ReadAhead ahead(kParts, threads, [&](size_t part, size_t worker) {
        reads[part] += worker < size_t(threads) ? 1 : 100;
      });
      for (const size_t part : {kParts - 1, size_t(0), kParts / 2}) {
        ahead.wait(part);
        CHECK(reads[part] == 1);
      }
      ahead.wait_for_all();
    }
    for (const std::atomic<int>& count : reads) CHECK(count == 1);
  }
}

TEST_CASE("read ahead: an error belongs to its part") {
  for (const int threads : {1, 3}) {
    io::ReadAhead ahead(10, threads, [](size_t part, size_t) {
      if (part % 4 == 3) throw std::runtime_error("part " + std::to_string(part));
    });
    ahead.wait(9);
    ahead.wait(0);
    CHECK_THROWS_WITH(ahead.wait(7), "part 7");
    CHECK_THROWS_WITH(ahead.wait(7), "part 7");
    CHECK_THROWS_WITH(ahead.wait_for_all(), "part 3");
  }
}

TEST_CASE("read ahead: who goes away waits for nothing more than what is being read") {
  std::atomic<int> reads = 0;
  {
    const io::ReadAhead ahead(1'000'000, 3, [&](size_t, size_t) { ++reads; });
  }
  CHECK(reads < 1'000'000);
}

TEST_CASE("read ahead: a large stream of torch.save before 1.6, which is read by one thread") {
  using namespace std::string_literals;
  using test::number, test::text, test::numbers, test::tuple;
  constexpr int kTensors = 300, kElements = 5000;
  const std::string hooks = test::call("collections", "OrderedDict", {});
  std::string object = "}(", keys = "](", data;
  for (int i = 0; i < kTensors; ++i) {
    const std::string name = std::to_string(i), storage = test::storage("Float", name, kElements);
    object +=
        text(name) + test::call("torch._utils", "_rebuild_tensor_v2",
                                {storage, number(1), numbers({kElements - 1}), numbers({1}), "\x89", hooks});
    keys += text(std::to_string(kTensors - 1 - i));  // another order than that of the value
    const std::vector<float> elements(kElements, float(kTensors - 1 - i));
    const int64_t count = kElements;
    data += std::string(reinterpret_cast<const char*>(&count), sizeof count);
    data += std::string(reinterpret_cast<const char*>(elements.data()), sizeof(float) * kElements);
  }
  const test::TemporaryFolder folder;
  const std::string
      start = "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19.\x80\x02M\xE9\x03.\x80\x02}."s,
      head = start + "\x80\x02" + object + "u.\x80\x02" + keys + "e.";
  const std::string path = folder.write("x.pth", head + data),
                    short_path =
                        folder.write("short.pth", (head + data).substr(0, head.size() + data.size() - 1));
  const int before = num_threads();
  for (const int threads : {1, 2, 4}) {
    set_num_threads(threads);
    const Value value = io::load(path);
    REQUIRE(value.size() == kTensors);
    for (int i = 0; i < kTensors; ++i)
      CHECK(value[std::to_string(i)].as_tensor().to_vector<float>() ==
            std::vector<float>(kElements - 1, float(i)));
    CHECK(test::contains(test::error_of([&] { io::load(short_path); }), "is incomplete"));
  }
  set_num_threads(before);
}

TEST_CASE("read ahead: damage in a large archive is found, whatever the number of threads") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.pth";
  Value value = Value::dict();
  for (int i = 0; i < 3000; ++i) value[fmt::format("{}", i)] = full({512}, float(i));
  io::save(path, value);
  const std::string good = test::read_file(path);
  const int threads = num_threads();
  for (const int count : {1, 2, 5}) {
    set_num_threads(count);
    CHECK(io::load(path) == value);
    for (const int i : {0, 1500, 2999}) {
      const std::string name = fmt::format("archive/data/{}", i);
      const size_t local = good.find("PK\3\4", good.find(name) - 30), data = local + 200;
      const auto damaged = [&](size_t at) {
        std::string bytes = good;
        bytes[at] = char(bytes[at] ^ 1);
        test::write_file(path, bytes);
        return test::error_of([&] { io::load(path); });
      };
      CHECK(test::contains(damaged(data), "record '" + name + "' is damaged: its CRC-32 is"));
      CHECK(test::contains(damaged(local + 30), "record '" + name + "' is described differently"));
      CHECK(test::contains(damaged(local), "record '" + name + "' has no header at byte"));
      test::write_file(path, good);
    }
  }
  set_num_threads(threads);
}

}  // namespace kiln
