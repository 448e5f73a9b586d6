#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <map>
#include <thread>

#include <kiln/io/bytes/json.h>
#include <kiln/tensor/fmt.h>

#include "annotate/support/photos.h"
#include "support/client.h"

// The command itself, killed while somebody labels.

namespace kiln {
namespace {

using test::Photos;

// `kiln annotate FOLDER --port 0`.
class Running {
 public:
  explicit Running(const std::string& folder) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::execl(KILN_COMMAND, "kiln", "annotate", folder.c_str(), "--port", "0", "--classes", "cat,dog,bird",
              nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    std::string text;
    char byte = 0;
    while (text.find("/ and end") == text.npos && ::read(ends[0], &byte, 1) == 1) text += byte;
    out_ = ends[0];  // stays: it says something at its end
    const size_t at = text.find("127.0.0.1:");
    REQUIRE_MESSAGE(at != text.npos, text);
    port_ = std::stoi(text.substr(at + 10));
  }
  ~Running() { end(SIGKILL); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  int port() const { return port_; }
  int end(int signal) {
    int status = 0;
    if (child_ <= 0) return 0;
    ::kill(child_, signal);
    ::waitpid(child_, &status, 0);
    child_ = 0;
    ::close(out_);
    return status;
  }

 private:
  pid_t child_ = 0;
  int port_ = 0, out_ = -1;
};

struct Known {
  int64_t revision = 0;
  std::string mark = "todo", label;
  std::string asked;  // what was sent and not answered: it may be there
};

std::map<std::string, Known> ask_all(int port) {
  std::map<std::string, Known> all;
  for (const Value& picture : test::call(port, "GET", "/api/pictures").body.items()) {
    Known& known = all[picture.at("id").as_string()];
    known.revision = picture.at("revision").as_int();
    known.mark = picture.at("mark").as_string();
    if (picture.at("labels").size() > 0) known.label = picture.at("labels/0").as_string();
  }
  return all;
}

// Labels picture after picture until the server is gone; what was answered is known.
int64_t label_until_it_ends(int port, int seed, std::map<std::string, Known>& all) {
  const char* const names[] = {"cat", "dog", "bird"};
  test::Client client(port);
  int64_t made = 0;
  for (int i = seed;; ++i) {
    const auto one = std::next(all.begin(), std::ptrdiff_t(size_t(i) * 7 % all.size()));
    const std::string label = names[size_t(i + int(one->second.revision)) % 3];
    one->second.asked = label;
    if (!client.send(test::request("PUT", "/api/labels/" + one->first,
                                   test::work(one->second.revision, "\"" + label + "\""))))
      return made;
    const std::string answer = client.answer();
    if (test::status_of(answer) == 0) return made;
    REQUIRE(test::status_of(answer) == 200);
    constexpr size_t kDepth = 8;
    const Value body = io::parse_json(test::body_of(answer), "the answer", kDepth);
    one->second = {body.at("picture/revision").as_int(), "done", label, ""};
    ++made;
  }
}

}  // namespace

TEST_CASE("annotate: kill -9 at any moment loses no label that was answered") {
  const Photos photos(9, 2, 2);
  constexpr int kKills = 50;
  std::map<std::string, Known> all;
  int64_t made = 0, unanswered = 0;
  for (int i = 0; i <= kKills; ++i) {
    Running running(photos.path());
    const std::map<std::string, Known> found = ask_all(running.port());
    if (i == 0) all = found;
    for (auto& [id, known] : all) {
      const Known& now = found.at(id);
      const bool is_asked = !known.asked.empty() && now.label == known.asked && now.revision > known.revision;
      unanswered += is_asked && now.label != known.label;
      REQUIRE((is_asked || (now.label == known.label && now.revision == known.revision)));
      known = now;
    }
    if (i == kKills) break;
    std::jthread killer([&, i] {
      std::this_thread::sleep_for(std::chrono::microseconds(500 + 997 * i % 23000));
      running.end(SIGKILL);
    });
    made += label_until_it_ends(running.port(), i, all);
  }
  MESSAGE(made, " answered changes, ", unanswered, " more that were under way");
  CHECK(made > kKills);
}

TEST_CASE(
    "annotate: a second process at the same labels is refused, and SIGTERM ends with all in the labels "
    "file") {
  const Photos photos(2);
  Running running(photos.path());
  auto all = ask_all(running.port());
  const std::string command =
      fmt::format("{} annotate {} --port 0 2> {}/error.txt", KILN_COMMAND, photos.path(), photos.path());
  CHECK(WEXITSTATUS(std::system(command.c_str())) == 1);
  const std::string error = test::read_file(photos / "error.txt");
  CHECK(test::contains(error, "kiln: annotate: process "));
  CHECK(test::contains(error, "labels.jsonl' already"));
  for (const auto& [id, known] : all)
    test::call(running.port(), "PUT", "/api/labels/" + id, test::work(0, R"("dog")"));
  const int status = running.end(SIGTERM);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(test::contains(photos.line_of("a.png"), R"("label":"dog")"));
  CHECK(test::contains(photos.line_of("b.png"), R"("label":"dog")"));
  const std::string check =
      fmt::format("{} data check {} > {}/out.txt", KILN_COMMAND, photos.labels(), photos.path());
  std::system(check.c_str());
  CHECK(test::contains(test::read_file(photos / "out.txt"), "2 pictures"));
}

}  // namespace kiln
