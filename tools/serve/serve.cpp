#include <cstdio>
#include <filesystem>
#include <mutex>

#include <kiln/serve/http/server.h>
#include <kiln/serve/network.h>
#include <kiln/serve/routes/authority.h>
#include <kiln/serve/routes/service.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tools/output.h>
#include <kiln/tools/serve/commands.h>
#include <kiln/tools/serve/signals.h>

namespace kiln::tools {
namespace {

// Lines of all threads, one after the other.
class AccessLog {
 public:
  explicit AccessLog(const std::string& path) : file_(path == "-" ? stdout : std::fopen(path.c_str(), "ae")) {
    if (file_ == nullptr) fail("serve: cannot write the access log '{}'", path);
  }
  ~AccessLog() {
    if (file_ != stdout) std::fclose(file_);
  }
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void write(const std::string& line) {
    const std::scoped_lock lock(mutex_);
    std::fprintf(file_, "%s\n", line.c_str());
    std::fflush(file_);
  }

 private:
  std::mutex mutex_;
  std::FILE* file_;
};

bool is_store(const std::string& path) { return std::filesystem::is_directory(path); }

serve::NetworkOptions network_of(const ServeOptions& options, const std::string& version) {
  return {.name = options.name, .version = version, .device = Device(options.device)};
}

void begin(serve::Service& service, const ServeOptions& options) {
  const auto load = [options](const serve::Version& version) {
    return serve::load_network(version.path, network_of(options, version.id));
  };
  const auto load_file = [options] { return serve::load_network(options.path, network_of(options, "1")); };
  if (is_store(options.path))
    service.follow(serve::Store(options.path), load);
  else
    service.serve(load_file(), load_file);
  if (options.shadow.empty()) return;
  const bool is_version = is_store(options.path) && !std::filesystem::exists(options.shadow);
  service.set_shadow(is_version ? load(serve::Store(options.path).find(options.shadow))
                                : serve::load_network(options.shadow, network_of(options, "shadow")),
                     options.shadow_share);
}

}  // namespace

void serve(const ServeOptions& options) {
  Signals signals;
  std::unique_ptr<AccessLog> log;
  if (!options.access_log.empty()) log = std::make_unique<AccessLog>(options.access_log);
  serve::ServiceOptions behind = {.threads = options.threads};
  behind.batch = {.max_batch = options.max_batch,
                  .max_delay = std::chrono::microseconds(int64_t(options.max_delay_ms * 1000)),
                  .queue_limit = options.queue};
  if (!options.token_file.empty()) behind.token = serve::read_token(options.token_file);
  if (log) behind.log = [&](const std::string& line) { log->write(line); };
  serve::Service service(behind);
  begin(service, options);
  serve::ServerOptions front = {
      .address = options.address, .port = options.port, .unix_socket = options.unix_socket};
  serve::Server server(front, [&](serve::Request request, const serve::Reply& reply) {
    service.handle(std::move(request), reply);
  });
  const std::string url = fmt::format("http://{}:{}/", options.address, server.port());
  if (options.json)
    print_json({{"serving", options.path}, {"url", url}, {"port", server.port()}}, kOneLine);
  else
    print(fmt::format("serving {} on {}\n", options.path, url));
  signals.wait();
  std::fputs("ending what is under way; once more ends the program at once\n", stderr);
  server.stop();
  if (const serve::Agreement shadow = service.agreement(); shadow.agreed + shadow.differed > 0)
    print(fmt::format("the shadow agreed on {} of {} samples\n", shadow.agreed,
                      shadow.agreed + shadow.differed));
}

}  // namespace kiln::tools
