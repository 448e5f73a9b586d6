#include <doctest/doctest.h>
#include <stdlib.h>

#include <clocale>
#include <cmath>
#include <limits>
#include <locale>

#include <kiln/io/io.h>
#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/train/report/plot.h>
#include <kiln/train/report/progress.h>

#include "support/files.h"
#include "support/skip.h"

namespace kiln {
using namespace std::string_literals;

namespace {

struct Comma : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

// A locale of C and of C++ with a decimal comma. The system's German one, or one that is made here.
class German {
 public:
  German() {
    std::locale::global(std::locale(std::locale::classic(), new Comma));
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"})
      if (std::setlocale(LC_ALL, name) != nullptr) return;
    const std::string make = "localedef -i de_DE -f UTF-8 " + folder_ / "de_DE.UTF-8" + " > /dev/null 2>&1";
    made_ = std::system(make.c_str()) == 0;
    ::setenv("LOCPATH", folder_.path().c_str(), 1);
    std::setlocale(LC_ALL, "de_DE.UTF-8");
  }
  ~German() {
    std::setlocale(LC_ALL, "C");
    std::locale::global(std::locale::classic());
    if (made_) ::unsetenv("LOCPATH");
  }
  bool is_there() const { return *std::localeconv()->decimal_point == ','; }

 private:
  test::TemporaryFolder folder_;
  bool made_ = false;
};

Value everything() {
  return {{"half", 0.5},
          {"small", 1.25e-7},
          {"many", Value::list({-1.5, 1e300, 3.0})},
          {"count", 1234567},
          {"w", tensor({0.25f, -1234.5f})}};
}

// Floats of pickle protocol 0: "F1.5\n".
double pickled(const std::string& digits) {
  const std::string text = "F" + digits + "\n.";
  const io::PickleGraph graph = io::parse_pickle(text, "p");
  return graph.real(graph.root());
}

}  // namespace

TEST_CASE("files are read and written the same under every locale") {
  const test::TemporaryFolder folder;
  const char* files[] = {"a.kiln", "a.pth"};
  for (const char* file : files) io::save(folder / file, everything());
  const std::string text = to_string(everything());
  const std::string svg = io::Plot({.title = "t"}).line("a", {0.5, 1.25, 1234.5}).svg();
  const io::ProgressState state = {
      .title = "t", .done = 1, .total = 2, .seconds = 3.5, .loss = 1.5, .has_loss = true};
  const std::string line = io::progress_line(state, {});

  const German scope;
  if (!scope.is_there()) MESSAGE("no locale of C with a decimal comma can be had; that of C++ only");
  for (const char* file : files) {
    CAPTURE(file);
    CHECK(io::load(folder / file) == everything());
    io::save(folder / ("german_"s + file), everything());
    CHECK(test::read_file(folder / ("german_"s + file)) == test::read_file(folder / file));
  }
  CHECK(to_string(everything()) == text);
  CHECK(io::Plot({.title = "t"}).line("a", {0.5, 1.25, 1234.5}).svg() == svg);
  CHECK(io::progress_line(state, {}) == line);
  for (const char* fixture :
       {"tests/io/fixtures/legacy.pt", "tests/io/fixtures/plain.pkl", "tests/io/fixtures/zip.pt"})
    CHECK(test::error_of([&] { io::load(fixture); }).empty());
  CHECK(pickled("1.5") == 1.5);
  CHECK(pickled("-0.001") == -0.001);
  CHECK(test::contains(test::error_of([] { pickled("1,5"); }), "'1,5' is not a float"));
}

TEST_CASE("pickle: the floats of protocol 0") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(pickled("0.1") == 0.1);
  CHECK(pickled("+2.5") == 2.5);
  CHECK(pickled("1e+16") == 1e16);
  CHECK(pickled("5e-324") == 5e-324);
  CHECK(pickled("1e400") == inf);
  CHECK(pickled("-1e400") == -inf);
  CHECK(pickled("1e-400") == 0);
  CHECK(std::signbit(pickled("-1e-400")));
  CHECK(pickled(std::string(400, '9')) == inf);
  CHECK(pickled("0." + std::string(400, '0') + "1") == 0);
  CHECK(pickled("inf") == inf);
  CHECK(pickled("-inf") == -inf);
  CHECK(std::isnan(pickled("nan")));
  for (const char* wrong : {"", "+", "-", "+-1", "1.5x", " 1", "0x10", "1_0", "--1"})
    CHECK_MESSAGE(test::contains(test::error_of([&] { pickled(wrong); }), "is not a float"), wrong);
}

}  // namespace kiln
