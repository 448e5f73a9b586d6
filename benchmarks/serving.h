#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <kiln/kiln.h>
#include <kiln/tensor/base/fail.h>

// What measurements of `kiln serve` share: the program as a child, and clients on this machine.

namespace kiln::benchmarks {

using Clock = std::chrono::steady_clock;

inline double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// p in 0 .. 1 of some numbers; they are sorted.
inline double percentile(std::vector<double>& numbers, double p) {
  if (numbers.empty()) return 0;
  std::ranges::sort(numbers);
  return numbers[std::min(numbers.size() - 1, size_t(p * double(numbers.size())))];
}

// A `kiln serve` of its own process, on a free port of 127.0.0.1; ends with this.
class ServeProgram {
 public:
  ServeProgram(const std::string& kiln, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {kiln, "serve"});
    arguments.insert(arguments.end(), {"--port", "0"});
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("no pipe to '{}'", kiln);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      std::vector<char*> words;
      for (std::string& word : arguments) words.push_back(word.data());
      words.push_back(nullptr);
      ::execv(kiln.c_str(), words.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    out_ = ::fdopen(ends[0], "r");
    char line[4096] = {};
    const char* colon = std::fgets(line, sizeof line, out_) == nullptr ? nullptr : std::strrchr(line, ':');
    if (colon == nullptr) fail("'{} serve' did not begin to serve", kiln);
    port_ = std::atoi(colon + 1);
  }
  ~ServeProgram() {
    ::kill(child_, SIGTERM);
    ::waitpid(child_, nullptr, 0);
    std::fclose(out_);
  }
  ServeProgram(const ServeProgram&) = delete;
  ServeProgram& operator=(const ServeProgram&) = delete;

  int port() const { return port_; }
  // Resident memory, MB.
  double resident() const {
    std::ifstream status(fmt::format("/proc/{}/status", child_));
    for (std::string word; status >> word;)
      if (double kilobytes = 0; word == "VmRSS:" && status >> kilobytes) return kilobytes / 1024;
    return 0;
  }

 private:
  pid_t child_ = -1;
  std::FILE* out_ = nullptr;
  int port_ = 0;
};

// A connection that is kept.
class HttpClient {
 public:
  using Answer = boost::beast::http::response<boost::beast::http::string_body>;

  explicit HttpClient(int port) : socket_(io_) {
    socket_.connect({boost::asio::ip::address_v4::loopback(), uint16_t(port)});
    socket_.set_option(boost::asio::ip::tcp::no_delay(true));
  }
  // `request` is a whole one, as it goes over the line. Throws when the connection breaks.
  Answer ask(const std::string& request) {
    namespace http = boost::beast::http;
    boost::asio::write(socket_, boost::asio::buffer(request));
    http::response_parser<http::string_body> parser;
    http::read(socket_, buffer_, parser);
    return parser.release();
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
};

inline std::string post(const std::string& path, const std::string& body, const std::string& fields) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n", path, fields,
                     body.size()) +
         body;
}

// A request of the Open Inference Protocol for samples [N, ...], in binary both ways.
inline std::string infer(const Tensor& x, const std::string& model = "model") {
  std::vector<int64_t> shape(x.shape().begin(), x.shape().end());
  const std::string json = fmt::format(
      R"({{"inputs":[{{"name":"input","shape":[{}],"datatype":"FP32","parameters":{{"binary_data_size":{}}}}}],)"
      R"("parameters":{{"binary_data_output":true}}}})",
      fmt::join(shape, ","), x.nbytes());
  const std::string bytes(static_cast<const char*>(x.raw_data()), size_t(x.nbytes()));
  return post("/v2/models/" + model + "/infer", json + bytes,
              fmt::format("Inference-Header-Content-Length: {}\r\n", json.size()));
}

// The program beside this one's folder: <build>/kiln of <build>/benchmarks/x.
inline std::string kiln_beside() {
  return std::filesystem::canonical("/proc/self/exe").parent_path().parent_path() / "kiln";
}

// A folder that goes with this.
struct OwnFolder {
  OwnFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "kiln-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) fail("cannot make a folder like '{}'", name);
    path = name;
  }
  ~OwnFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  std::string operator/(const std::string& name) const { return path + "/" + name; }

  std::string path;
};

}  // namespace kiln::benchmarks
