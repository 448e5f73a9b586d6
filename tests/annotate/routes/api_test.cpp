#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include <kiln/annotate/labels/picture.h>
#include <kiln/autograd/ops.h>
#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/io/bytes/file_system.h>
#include <kiln/tensor/fmt.h>

#include "annotate/support/photos.h"
#include "support/client.h"

namespace kiln {
namespace {

using annotate::id_of;
using test::AnnotateServer;
using test::Answer;
using test::call;
using test::contains;
using test::Photos;
using test::work;

const std::string kA = id_of("a.png"), kB = id_of("b.png"), kC = id_of("c.png");

annotate::AnnotatorOptions options_of(const Photos& photos) {
  return {.folder = photos.path(), .labels = "", .classes = {"cat", "dog"}};
}
// The system's files, on a disk that may have no room.
struct FullDisk : io::FileSystem {
  FullDisk() : before(io::replace_file_system(this)) {}
  ~FullDisk() override { io::replace_file_system(before); }
  ssize_t pwrite(int file, const void* data, size_t bytes, off_t begin) override {
    if (!is_full) return FileSystem::pwrite(file, data, bytes, begin);
    errno = ENOSPC;
    return -1;
  }
  io::FileSystem* before;
  std::atomic<bool> is_full = false;
};

std::string error_in(const Answer& answer) {
  const Value* error = answer.body.find("error");
  return error == nullptr ? "" : error->as_string();
}

}  // namespace

TEST_CASE("annotate: the page and what it asks first") {
  const Photos photos(3);
  AnnotateServer server(options_of(photos));
  const std::string page = test::ask(server.port(), test::get("/"));
  CHECK(contains(page, "Content-Security-Policy: default-src 'none'"));
  CHECK(contains(page, "Next unlabelled"));
  for (const char* elsewhere : {"src=\"", "https://", "@import", "url("}) CHECK(!contains(page, elsewhere));
  const Value about = call(server.port(), "GET", "/api").body;
  CHECK(about.at("tally/left").as_int() == 3);
  CHECK(about.at("classes/1").as_string() == "dog");
  const Value pictures = call(server.port(), "GET", "/api/pictures").body;
  REQUIRE(pictures.size() == 3);
  CHECK(pictures[1].at("id").as_string() == kB);
  CHECK(pictures[1].at("name").as_string() == "b.png");
  CHECK(pictures[1].at("mark").as_string() == "todo");
  const Value whole = call(server.port(), "GET", "/api/labels/" + kB).body;
  CHECK(whole.at("width").as_int() == 40);
  CHECK(whole.at("height").as_int() == 30);
}

TEST_CASE("annotate: a change is in the journal when it is answered, and in the labels file soon") {
  const Photos photos(3);
  AnnotateServer server(options_of(photos));
  const std::string box = R"({"box":[1.5,2,3,4],"label":"dog"})";
  const Answer made = call(server.port(), "PUT", "/api/labels/" + kA, work(0, R"("cat")", box));
  CHECK(made.status == 200);
  CHECK(made.body.at("picture/revision").as_int() == 1);
  CHECK(contains(test::read_file(photos.labels() + ".journal"), box));
  for (int i = 0; i < 300 && photos.line_of("a.png").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(photos.line_of("a.png") ==
        R"({"path":"a.png","label":"cat","width":40,"height":30,"boxes":[)" + box + "]}");
  CHECK(contains(test::ask(server.port(), test::get("/api/labels")), "a.png"));
}

TEST_CASE("annotate: two people at one picture, and neither is lost silently") {
  const Photos photos(3);
  AnnotateServer server(options_of(photos));
  const int port = server.port();
  CHECK(call(port, "PUT", "/api/labels/" + kA, work(0, R"("cat")", "", "one")).status == 200);
  const Answer conflict = call(port, "PUT", "/api/labels/" + kA, work(0, R"("dog")", "", "two"));
  CHECK(conflict.status == 409);
  CHECK(contains(error_in(conflict), "somebody has changed the picture"));
  CHECK(conflict.body.at("picture/labels/0").as_string() == "cat");
  const int64_t now = conflict.body.at("picture/revision").as_int();
  CHECK(call(port, "PUT", "/api/labels/" + kA, work(now, R"("dog")", "", "two")).status == 200);
  const Answer undone = call(port, "POST", "/api/undo", R"({"client":"one"})");
  CHECK(undone.status == 409);
  CHECK(undone.body.at("picture/labels/0").as_string() == "dog");
  CHECK(call(port, "POST", "/api/undo", R"({"client":"two"})").body.at("picture/labels/0").as_string() ==
        "cat");
  CHECK(call(port, "POST", "/api/redo", R"({"client":"two"})").body.at("picture/labels/0").as_string() ==
        "dog");
  CHECK(call(port, "POST", "/api/redo", R"({"client":"two"})").body.at("picture").is_none());
}

TEST_CASE("annotate: four people at once, and every change that was answered is there") {
  const Photos photos(20, 4, 4);
  AnnotateServer server(options_of(photos));
  std::vector<std::jthread> people;
  std::vector<std::vector<std::string>> made(4);
  for (size_t person = 0; person < made.size(); ++person)
    people.emplace_back([&, person] {
      test::Client client(server.port());
      const auto ask = [&](const std::string& text) {
        client.send(text);
        return client.answer();
      };
      for (;;) {
        const std::string who = fmt::format("p{}", person);
        const std::string next =
            test::body_of(ask(test::request("POST", "/api/next", fmt::format(R"({{"client":"{}"}})", who))));
        if (contains(next, "\"id\":null")) return;
        const std::string id = next.substr(next.find("\"id\":\"") + 6, 16);
        const std::string answer =
            ask(test::request("PUT", "/api/labels/" + id, work(0, R"("cat")", "", who)));
        if (test::status_of(answer) == 200) made[person].push_back(id);
      }
    });
  people.clear();
  size_t all = 0;
  for (const auto& one : made) all += one.size();
  CHECK(all >= 20);
  server.end();
  for (int i = 0; i < 20; ++i)
    CHECK(contains(test::read_file(photos.labels() + ".journal"), test::photo_name(i)));
}

TEST_CASE("annotate: news come when something happens") {
  const Photos photos(2);
  AnnotateServer server(options_of(photos));
  const int port = server.port();
  const Value about = call(port, "GET", "/api").body;
  const auto ask_news = [&](int64_t since, int64_t count, int wait) {
    return test::get(fmt::format("/api/news?since={}&count={}&wait={}&client=two&who=bob&picture={}", since,
                                 count, wait, kB));
  };
  test::Client waiting(port);
  waiting.send(ask_news(0, about.at("count").as_int() + 1, 20));  // it counts itself: bob is new
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(!waiting.is_answered());
  call(port, "PUT", "/api/labels/" + kA, work(0, R"("cat")"));
  const std::string news = test::body_of(waiting.answer());
  CHECK(contains(news, kA));
  CHECK(!contains(news, kB));
  const std::string others = test::body_of(test::ask(port, test::get("/api/news?since=0&client=one")));
  CHECK(contains(others, R"("here":[{"who":"bob","picture":")" + kB));

  test::Client left(port);
  left.send(ask_news(99, 99, 0));
  CHECK(test::status_of(left.answer()) == 200);
  test::Client last(port);
  last.send(ask_news(1, call(port, "GET", "/api").body.at("count").as_int(), 60));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  server.end();
  CHECK(test::status_of(last.answer()) == 200);
}

TEST_CASE("annotate: pictures as they are shown") {
  const Photos photos(1, 300, 400);
  // Held on its side: EXIF 6.
  std::string turned = image::encode_jpeg(full({3, 20, 30}, 90, {.dtype = uint8}));
  const std::string exif(
      "\xff\xe1\x00\x22"
      "Exif\0\0"
      "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0",
      36);
  photos.write("turned.jpg", turned.substr(0, 2) + exif + turned.substr(2));
  photos.write("cut.jpg", turned.substr(0, turned.size() / 2));
  AnnotateServer server(options_of(photos));
  const int port = server.port();
  const auto shown = [&](const std::string& name, const std::string& query = "") {
    return test::ask(port, test::get("/api/picture/" + id_of(name) + query));
  };
  CHECK(test::body_of(shown("a.png")) == test::read_file(photos / "a.png"));
  const std::string small = shown("a.png", "?size=64");
  CHECK(contains(small, "Content-Type: image/jpeg"));
  CHECK(image::decode(test::body_of(small)).shape() == Shape{3, 48, 64});
  CHECK(image::decode(test::body_of(shown("turned.jpg"))).shape() == Shape{3, 30, 20});
  const Value whole = call(port, "GET", "/api/labels/" + id_of("turned.jpg")).body;
  CHECK(whole.at("width").as_int() == 20);
  CHECK(whole.at("height").as_int() == 30);
  const std::string cut = shown("cut.jpg");
  CHECK(test::status_of(cut) == 422);
  CHECK(contains(cut, "the picture cannot be shown: "));
  CHECK(!contains(cut, photos.path()));
  CHECK(call(port, "PUT", "/api/labels/" + id_of("cut.jpg"), R"({"revision":0,"mark":"bad"})").status == 200);
  for (const char* query : {"?size=0", "?size=9000", "?size=x"})
    CHECK(test::status_of(shown("a.png", query)) == 400);
  std::filesystem::remove(photos / "a.png");
  CHECK(test::status_of(shown("a.png", "?size=100")) == 422);
}

TEST_CASE("annotate: classes are added by their names") {
  const Photos photos(1);
  AnnotateServer server(options_of(photos));
  const int port = server.port();
  CHECK(call(port, "PUT", "/api/labels/" + kA, work(0, R"("bird")")).status == 422);
  CHECK(call(port, "POST", "/api/classes", R"({"name":"  bird "})").body.at("classes/2").as_string() ==
        "bird");
  CHECK(call(port, "POST", "/api/classes", R"({"name":"cat"})").body.at("classes").size() == 3);
  CHECK(call(port, "PUT", "/api/labels/" + kA, work(0, R"("bird")")).status == 200);
  CHECK(call(port, "POST", "/api/classes", R"({"name":" "})").status == 422);
  CHECK(call(port, "POST", "/api/classes", R"({"name":"a\nb"})").status == 400);
}

TEST_CASE("annotate: a disk that is full is said, and nothing is pretended") {
  const Photos photos(2);
  FullDisk disk;
  {
    AnnotateServer server(options_of(photos));
    const auto change = [&](int64_t revision, const char* name) {
      return call(server.port(), "PUT", "/api/labels/" + kA, work(revision, name));
    };
    CHECK(change(0, R"("cat")").status == 200);
    disk.is_full = true;
    const Answer refused = change(1, R"("dog")");
    CHECK(refused.status == 507);
    CHECK(!contains(error_in(refused), photos.path()));
    CHECK(call(server.port(), "POST", "/api/undo", R"({"client":"one"})").status == 507);
    CHECK(call(server.port(), "POST", "/api/classes", R"({"name":"bird"})").status == 507);
    CHECK(call(server.port(), "GET", "/api/labels/" + kA).body.at("labels/0").as_string() == "cat");
    disk.is_full = false;
    CHECK(change(1, R"("dog")").status == 200);
    CHECK(call(server.port(), "PUT", "/api/labels/" + kB, work(0, R"("cat")")).status == 200);
  }
  AnnotateServer again(options_of(photos));
  CHECK(call(again.port(), "GET", "/api/labels/" + kA).body.at("labels/0").as_string() == "dog");
  CHECK(call(again.port(), "GET", "/api/labels/" + kB).body.at("labels/0").as_string() == "cat");
  CHECK(call(again.port(), "GET", "/api/classes").body.at("classes").size() == 2);
}

}  // namespace kiln
