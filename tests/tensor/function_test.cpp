#include <kiln/tensor/base/function.h>

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace kiln {
namespace {

int twice(int x) { return 2 * x; }

}  // namespace

TEST_CASE("function: what can be called") {
  Function<int(int)> f = twice;
  CHECK(f(3) == 6);
  f = [sum = 0](int x) mutable { return sum += x; };
  CHECK(f(3) == 3);
  CHECK(f(4) == 7);
  const Function<int(int)> copy = f;
  CHECK(f(1) == 8);
  CHECK(copy(1) == 8);  // a copy has a state of its own
  const Function<void(std::string&)> append = [](std::string& text) { return text += "!"; };
  std::string text = "a";
  append(text);
  CHECK(text == "a!");
  const Function<std::string(std::string)> same = [](std::string x) { return x; };
  CHECK(same("b") == "b");
  static_assert(!std::is_constructible_v<Function<int(int)>, std::string>);
  static_assert(!std::is_constructible_v<Function<int(int)>, int (*)(const char*)>);
}

TEST_CASE("function: life") {
  auto shared = std::make_shared<int>(1);
  {
    Function<int()> f = [shared] { return *shared; };
    const Function<int()> copy = f;
    CHECK(shared.use_count() == 3);
    const Function<int()> moved = std::move(f);
    CHECK(shared.use_count() == 3);
    CHECK(moved() == 1);
    f = nullptr;
  }
  CHECK(shared.use_count() == 1);
}

TEST_CASE("function: an empty one") {
  const Function<int(int)> f;
  CHECK(!f);
  CHECK(Function<int(int)>(twice));
  CHECK_THROWS_WITH_AS(f(1), "an empty Function was called", Error);
}

}  // namespace kiln
