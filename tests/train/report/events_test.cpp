#include <kiln/train/report/events.h>

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>
#include <limits>

#include <kiln/autograd/ops.h>
#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/io/bytes/crc32c.h>

#include "support/files.h"
#include "support/skip.h"

namespace kiln {
namespace {

uint32_t masked(std::string_view data) {
  const uint32_t crc = io::crc32c(data.data(), data.size());
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

// The records of an event file, with their checksums checked.
std::vector<std::string> records_of(const std::string& bytes) {
  std::vector<std::string> records;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t size = 0;
    uint32_t length_crc = 0, data_crc = 0;
    REQUIRE(at + 12 <= bytes.size());
    std::memcpy(&size, bytes.data() + at, 8);
    std::memcpy(&length_crc, bytes.data() + at + 8, 4);
    CHECK(length_crc == masked(bytes.substr(at, 8)));
    REQUIRE(at + 16 + size <= bytes.size());
    records.push_back(bytes.substr(at + 12, size));
    std::memcpy(&data_crc, bytes.data() + at + 12 + size, 4);
    CHECK(data_crc == masked(records.back()));
    at += 16 + size;
  }
  return records;
}

// Of one colour each, [count,3,2,3].
Tensor flat_pictures(int64_t count) {
  return (arange(count) * 20 + 30).to(uint8).reshape({count, 1, 1, 1}).expand({count, 3, 2, 3});
}

void write_example(const std::string& folder) {
  io::EventWriter events(folder);
  for (int step = 0; step < 100; ++step) events.scalar("loss/train", 1.0 / (step + 1), step);
  events.text("notes", "a *short* run", 0);
  events.histogram("weights", tensor({0.f, 1.f, 2.f, 3.f, std::numeric_limits<float>::quiet_NaN()}), 5);
  events.image("one", flat_pictures(1)[0], 3);
  events.images("several", flat_pictures(10), 4);
}

}  // namespace

TEST_CASE("events: records are framed with checksums") {
  const test::TemporaryFolder folder;
  const std::string path = [&] {
    io::EventWriter events(folder / "runs/a");
    events.scalar("loss", 0.5, 300);
    return events.path();
  }();
  const auto records = records_of(test::read_file(path));
  REQUIRE(records.size() == 2);
  CHECK(records[0].substr(9) == std::string("\x1a\x0d") + "brain.Event:2");
  // step 300; summary { value { tag: "loss", simple_value: 0.5 } }
  CHECK(records[1].substr(9) ==
        std::string("\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\x00\x00\x00\x3f", 18));
}

TEST_CASE("events: pictures are PNG files in a record, several of them one grid") {
  const test::TemporaryFolder folder;
  const Tensor three = flat_pictures(3);
  const std::string path = [&] {
    io::EventWriter events(folder / "run");
    events.image("grey", three[0].narrow(0, 0, 1), 1);
    events.images("grid", three, 300, 2);
    return events.path();
  }();
  const auto records = records_of(test::read_file(path));
  REQUIRE(records.size() == 3);
  const Tensor here = three.to(cpu);
  // step 1; summary { value { tag: "grey", image { height: 2, width: 3, colorspace: 1, encoded: ... } } }
  const std::string grey = image::encode_png(here[0].narrow(0, 0, 1));
  CHECK(records[1].substr(9) == std::string("\x10\x01\x2a") + char(18 + grey.size()) + '\x0a' +
                                    char(16 + grey.size()) + "\x0a\x04grey\x22" + char(8 + grey.size()) +
                                    std::string("\x08\x02\x10\x03\x18\x01\x22") + char(grey.size()) + grey);
  const Tensor grid = image::decode(records[2].substr(records[2].find("\x89PNG")));
  CHECK(grid.shape() == Shape{3, 4, 6});
  CHECK(equal(grid.narrow(1, 0, 2).narrow(2, 3, 3).contiguous(), here[1].contiguous()));
  CHECK(equal(grid.narrow(1, 2, 2).narrow(2, 0, 3).contiguous(), here[2].contiguous()));
  CHECK(sum(grid.narrow(1, 2, 2).narrow(2, 3, 3)).item<int64_t>() == 0);

  io::EventWriter events(folder / "wrong");
  CHECK(test::contains(test::error_of([&] { events.image("x", zeros({3, 2, 2}), 0); }), "uint8"));
  CHECK(test::error_of([&] { events.images("x", three[0], 0); }) ==
        "event writer: 'x' is [3,2,3] in 8 columns, and should be pictures [N,C,H,W] in 1 or more");
}

TEST_CASE("events: errors") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "file", "x");
  const std::string inside = folder / "file/run";
  CHECK(test::error_of([&] { io::EventWriter events(inside); }) ==
        "event writer: cannot create the folder '" + inside + "': Not a directory");

  // A limit instead of a full disk: what does not fit is dropped, whole records stay.
  io::EventWriter events(folder / "run");
  events.scalar("kept", 1, 1);
  events.flush();
  rlimit before;
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight = {1000, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const std::string error = test::error_of([&] {
    for (int i = 0; i < 100; ++i) events.scalar("lost", i, i);
    events.flush();
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, old_handler);
  CHECK(error == "event writer: cannot write '" + events.path() + "': File too large");
  CHECK(records_of(test::read_file(events.path())).size() == 2);
  events.scalar("goes on", 1, 2);
  events.flush();
  CHECK(records_of(test::read_file(events.path())).size() == 3);
}

// Read by TensorBoard itself, from the python of KILN_PYTHON, else python3.
TEST_CASE("events: TensorBoard reads them") {
  const char* chosen = std::getenv("KILN_PYTHON");
  const std::string python = chosen != nullptr ? chosen : "python3";
  if (std::system((python + " -c 'import tensorboard' 2>/dev/null").c_str()) != 0)
    return test::skip("tensorboard is not installed");
  const test::TemporaryFolder folder;
  write_example(folder / "run");
  {
    io::EventWriter again(folder / "run", {.resume_at = 50});
    again.scalar("loss/train", 7, 50);
  }
  const std::string command = python + " tests/train/report/events_python.py " + (folder / "run") + " > " +
                              (folder / "out") + " 2>&1";
  const int status = std::system(command.c_str());
  const std::string out = test::read_file(folder / "out");
  REQUIRE_MESSAGE(status == 0, out);
  CHECK(out ==
        "scalars 51 last 50 7.0 first 1.0\n"
        "text a *short* run\n"
        "histogram step 5 min 0.0 max 3.0 num 4.0 sum 6.0 squares 14.0 counts 4.0\n"
        "image one step 3 3 x 2\n"
        "image several step 4 24 x 4\n");
  const Tensor several = image::read(folder / "run/several.png");
  CHECK(equal(several.narrow(1, 2, 2).narrow(2, 3, 3).contiguous(), flat_pictures(10)[9].contiguous()));
}

}  // namespace kiln
