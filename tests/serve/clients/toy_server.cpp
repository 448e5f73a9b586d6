#include <cstdio>
#include <string>

#include "serve/support/toy.h"
#include "support/files.h"

// A server of a toy for clients in other languages: prints its port, and serves until its standard input
// ends. With
// --store it follows a store of two versions and asks for a token.

namespace {

using namespace kiln;

std::shared_ptr<serve::Engine> load(const serve::Version& version) {
  return std::make_shared<test::Toy>(1, version.id);
}

}  // namespace

int main(int argc, char** argv) {
  const bool has_store = argc > 1 && std::string(argv[1]) == "--store";
  const test::TemporaryFolder folder;
  serve::Store store(folder / "store");
  test::ToyServer server({.token = has_store ? "0123456789abcdef" : ""});
  if (has_store) {
    for (const char* model : {"first", "second"})
      store.promote(store.add(folder.write("model", model)).id, "a test");
    server.service.follow(store, load, std::chrono::milliseconds(20));
  }
  std::printf("%d\n", server.port());
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;
}
