#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <thread>

#include <kiln/kiln.h>

#include "support/sanitizers.h"
#include "support/skip.h"

using namespace kiln;

namespace {

// A network with a member that NN_MEMBERS forgot.
template <class Member>
struct Forgets : nn::Module {
  nn::Linear fc{2, 2};
  Member member;
  NN_MEMBERS(fc)
  explicit Forgets(Member given) : member(std::move(given)) {}
  Tensor forward(const Tensor& x) { return fc(x); }
};

struct Pointers : nn::Module {
  nn::Linear& a;
  nn::Linear& b;
  nn::Linear& c;
  NN_MEMBERS()
  Pointers(nn::Linear& x, nn::Linear& y, nn::Linear& z) : a(x), b(y), c(z) {}
  Tensor forward(const Tensor& x) { return c(b(a(x))); }
};

struct Row : nn::Module {
  nn::Linear first{2, 2}, second{2, 2}, third{2, 2};
  NN_MEMBERS(first, second, third)
  Tensor forward(const Tensor& x) { return third(second(first(x))); }
};

struct Harmless : nn::Module {
  nn::Linear fc{2, 2};
  Tensor plain = ones({2});
  Tensors cache = {ones({1}), ones({2})};
  std::vector<int64_t> sizes = {1, 2, 3};
  std::vector<std::string> words = {"a", "b"};
  std::shared_ptr<nn::Linear> shared = std::make_shared<nn::Linear>(2, 2);
  std::optional<nn::Linear> later;
  nn::Parameter off;
  nn::AnyModule nothing;
  std::vector<nn::Linear> none;
  std::vector<nn::Linear*> others;
  struct {
    nn::Linear inner{2, 2};
    std::vector<nn::Parameter> list{nn::Parameter(ones({2}))};
  } part;
  NN_MEMBERS(fc, part.inner, part.list)
  Tensor forward(const Tensor& x) {
    Tensor y = part.inner(fc(x)) + plain + part.list[0];
    const nn::Linear temporary(2, 2);
    return nn::ReLU()(temporary((*shared)(y)));
  }
};

struct Late : nn::Module {
  nn::Linear fc{2, 2};
  std::optional<nn::Linear> extra;
  NN_MEMBERS(fc)
  Tensor forward(const Tensor& x) { return extra ? (*extra)(x) : fc(x); }
};

template <class M>
std::string message(M& net) {
  try {
    net(ones({1, 2}));
    net(ones({1, 2}));
  } catch (const Error& error) {
    return error.what();
  }
  return "silent";
}

template <class Member>
void check_forgotten(const char* what, Member member) {
  Forgets<Member> net(std::move(member));
  const std::string expected =
      std::string("Forgets: its ") + what +
      " is not listed in NN_MEMBERS, so it would not be trained or saved; add it there (in "
      "Forgets)";
  CHECK(message(net) == expected);
  Forgets<Member> copy = net;
  CHECK(message(copy) == expected);
  const auto moved = std::make_unique<Forgets<Member>>(std::move(net));
  CHECK(message(*moved) == expected);
}

const char* const kLinear = "member Linear(in_features=2, out_features=2, bias=True)";
const char* const kLinearList = "list with Linear(in_features=2, out_features=2, bias=True)";

const char* const kOtherHeap = "lists are told by glibc's heap, in whose place AddressSanitizer puts its own";

std::vector<nn::Linear> layers(size_t count) {
  std::vector<nn::Linear> list;
  for (size_t i = 0; i < count; ++i) list.emplace_back(2, 2);
  return list;
}

}  // namespace

TEST_CASE("what NN_MEMBERS forgot is an error at the first call") {
  check_forgotten(kLinear, nn::Linear(2, 2));
  check_forgotten("member Parameter [3]", nn::Parameter(ones({3})));
  check_forgotten("member Buffer [3]", nn::Buffer(ones({3})));
  check_forgotten(kLinear, std::optional(nn::Linear(2, 2)));
  check_forgotten(kLinear, std::array{nn::Linear(2, 2)});
  check_forgotten(kLinear, nn::AnyModule(nn::Linear(2, 2)));
  check_forgotten(kLinear, nn::Replaceable<nn::Linear>(nn::Linear(2, 2)));
  check_forgotten(kLinear, std::pair(1, nn::Linear(2, 2)));
  check_forgotten("member ModuleList(\n  (0): ReLU()\n)", nn::ModuleList(nn::ReLU()));
  check_forgotten("member Parameter [2]", std::optional(nn::Parameter(ones({2}))));
}

TEST_CASE("lists that NN_MEMBERS forgot are errors, too") {
  if (test::kUnderAddressSanitizer) return test::skip(kOtherHeap);
  for (const size_t count : {1, 2, 3, 4, 5, 100}) check_forgotten(kLinearList, layers(count));
  check_forgotten("list with Parameter [3]", std::vector{nn::Parameter(ones({3})), nn::Parameter(ones({3}))});
  check_forgotten("list with Buffer [3]", std::vector{nn::Buffer(ones({3}))});
  check_forgotten(kLinearList, std::vector{nn::AnyModule(nn::Linear(2, 2))});
  check_forgotten(kLinearList, std::vector{std::optional(nn::Linear(2, 2))});
  check_forgotten(kLinearList, std::vector{std::pair<std::string, nn::Linear>("name", nn::Linear(2, 2))});
  check_forgotten(kLinearList, std::vector{layers(2), layers(1)});
}

TEST_CASE("what is no member of its own is left alone") {
  Harmless net;
  CHECK(message(net) == "silent");
  std::vector<Harmless> several(5);
  for (Harmless& one : several) CHECK(message(one) == "silent");
  several.erase(several.begin());
  Harmless copy = several[1];
  CHECK(message(copy) == "silent");
  std::swap(copy, several[2]);
  CHECK(message(copy) == "silent");
  CHECK(message(several[2]) == "silent");
}

TEST_CASE("references to neighbours are no list") {
  Row row;
  Pointers to_members(row.first, row.second, row.third);
  CHECK(message(to_members) == "silent");
  std::vector<nn::Linear> list = layers(3);
  Pointers to_elements(list[0], list[1], list[2]);
  CHECK(message(to_elements) == "silent");
  Pointers twice(list[0], list[1], list[1]);
  CHECK(message(twice) == "silent");
}

TEST_CASE("a pointer before a list is no list") {
  struct Mixed : nn::Module {
    std::unique_ptr<nn::Linear> elsewhere = std::make_unique<nn::Linear>(2, 2);
    std::vector<float> numbers;
    NN_LOCAL_MEMBERS()
    Tensor forward(const Tensor& x) const { return (*elsewhere)(x); }
  };
  // On the heap the numbers come after the layer, at several distances.
  for (const size_t count : {1, 2, 4, 8, 13, 26, 100}) {
    std::vector<std::unique_ptr<nn::Linear>> between;
    Mixed net;
    if (count % 2 == 0) between.push_back(std::make_unique<nn::Linear>(2, 2));
    net.numbers.resize(count);
    CHECK(message(net) == "silent");
  }
}

TEST_CASE("a member that comes later is found when it is called") {
  Late net;
  CHECK(message(net) == "silent");
  net.extra.emplace(2, 2);
  CHECK(message(net).starts_with("Late: its member Linear("));
}

TEST_CASE("first calls from many threads") {
  for (int round = 0; round < 20; ++round) {
    Row net;
    const Tensor x = ones({1, 2});
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&net, &x] {
        const NoGrad no_grad;
        net(x);
      });
    for (std::thread& thread : threads) thread.join();
  }
}

namespace {
struct Far : nn::Module {
  nn::Linear a{2, 2};
  std::vector<std::optional<nn::Linear>> optionals{100};
  std::vector<std::vector<nn::Linear>> lists{300};
  NN_MEMBERS(a)
  Tensor forward(const Tensor& x) { return a(x); }
};
}  // namespace

TEST_CASE("a forgotten layer far back in a list is found") {
  if (test::kUnderAddressSanitizer) return test::skip(kOtherHeap);
  const Tensor x = ones({1, 2});
  Far fine, last, deep;
  fine(x);
  last.optionals.back().emplace(2, 2);
  CHECK_THROWS_AS(last(x), Error);
  deep.lists.back().emplace_back(2, 2);
  CHECK_THROWS_AS(deep(x), Error);
}
