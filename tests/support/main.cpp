#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "support/cases.h"
#include "support/skip.h"

namespace {

int passed = 0;
int failed = 0;
int skipped = 0;
bool skip_requested = false;

// Counts cases, for doctest knows no skipping at run time. The test runner adds up the last lines.
class Counter : public doctest::IReporter {
 public:
  explicit Counter(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData&) override {
    skip_requested = false;
    kiln::test::begin_case();
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (!stats.testCaseSuccess || !kiln::test::end_case()) {
      ++failed;
    } else if (skip_requested) {
      ++skipped;
    } else {
      ++passed;
    }
  }
  void test_run_end(const doctest::TestRunStats&) override {
    std::printf("cases: %d passed, %d failed, %d skipped\n", passed, failed, skipped);
    std::fflush(stdout);
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

REGISTER_LISTENER("counter", 1, Counter);

}  // namespace

int main(int count, char** arguments) {
  const int status = doctest::Context(count, arguments).run();
  return status != 0 || failed > 0 ? 1 : 0;
}

namespace kiln::test {

void skip(std::string_view reason) {
  skip_requested = true;
  std::printf("skipped: %.*s\n", static_cast<int>(reason.size()), reason.data());
}

}  // namespace kiln::test
