#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <kiln/serve/store/store.h>

#include "support/files.h"

namespace kiln {
namespace {

using serve::Event;
using serve::Outcomes;
using serve::Promotion;
using serve::Store;
using serve::Version;
using test::contains;
using test::error_of;

struct Place : test::TemporaryFolder {
  Store store{*this / "store"};
  std::string add(const std::string& text, const serve::About& about = {}) {
    return store.add(write("model", text), about).id;
  }
};

std::vector<double> right(int of, int wrong_from, int wrong) {
  std::vector<double> outcomes(size_t(of), 1.0);
  for (int i = wrong_from; i < wrong_from + wrong; ++i) outcomes[size_t(i)] = 0;
  return outcomes;
}

}  // namespace

TEST_CASE("store: a model is named by its bytes and never changes") {
  Place place;
  const std::string id = place.add("abc", {.metrics = {{"accuracy", 0.5}}, .data = "d4", .who = "ann"});
  CHECK(id == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4
  CHECK(place.add("abc", {.note = "again"}) == id);
  const Version version = place.store.find("ba78");
  CHECK(version.about.note.empty());
  CHECK(version.about.metrics == Value({{"accuracy", 0.5}}));
  CHECK(version.about.data == "d4");
  CHECK(version.about.who == "ann");
  CHECK(version.bytes == 3);
  CHECK(test::read_file(version.path) == "abc");
  CHECK(!place.store.current());
  place.store.check(version);
  test::write_file(version.path, "abd");
  CHECK(contains(error_of([&] { place.store.check(version); }), "version ba7816bf8f01 is damaged"));
  CHECK(contains(error_of([&] { place.store.promote(id, ""); }), "is damaged"));
}

TEST_CASE("store: versions of one second are listed as they were added") {
  Place place;
  std::vector<std::string> added, listed;
  for (int i = 0; i < 8; ++i) added.push_back(place.add(std::to_string(i)));
  for (const Version& version : place.store.list()) listed.push_back(version.id);
  CHECK(listed == added);
}

TEST_CASE("store: publish promotes what is better, and only that") {
  Place place;
  const std::string first = place.add("1"), better = place.add("2"), alike = place.add("3");
  int asked = 0;
  const auto outcomes = [&](int candidate_wrong, int current_wrong) {
    return [=, &asked](const Version&, const Version&) {
      ++asked;
      return Outcomes{right(200, 0, candidate_wrong), right(200, 100, current_wrong)};
    };
  };
  const Promotion start = place.store.publish(first, outcomes(1, 0));
  CHECK(start.promoted);
  CHECK(asked == 0);
  CHECK(place.store.publish(better, outcomes(2, 20)).promoted);
  CHECK(place.store.current()->id == better);
  const Promotion refused = place.store.publish(alike, outcomes(2, 5));
  CHECK(!refused.promoted);
  CHECK(refused.event.kind == Event::Kind::refuse);
  CHECK(refused.decision.difference == doctest::Approx(0.015));
  CHECK(place.store.current()->id == better);
  CHECK(place.store.publish(alike, outcomes(2, 5), {.level = 1}).promoted);
  CHECK(contains(error_of([&] { place.store.publish(alike, outcomes(0, 9)); }), "is current already"));
  const std::vector<Event> history = place.store.history();
  REQUIRE(history.size() == 4);
  CHECK(history[2].before == better);
  CHECK(contains(history[2].why, "McNemar"));
}

TEST_CASE("store: who compared with a version that was replaced meanwhile compares again") {
  Place place;
  const std::string first = place.add("1"), other = place.add("2"), mine = place.add("3");
  place.store.promote(first, "");
  std::vector<std::string> compared;
  const Promotion promotion = place.store.publish(mine, [&](const Version&, const Version& current) {
    compared.push_back(current.id);
    if (compared.size() == 1) Store(place.store.folder()).promote(other, "in between");
    return Outcomes{right(50, 0, 0), right(50, 0, 30)};
  });
  CHECK(promotion.promoted);
  CHECK(promotion.event.before == other);
  CHECK(compared == std::vector<std::string>{first, other});
}

TEST_CASE("store: rollback goes back, and further back") {
  Place place;
  const std::string a = place.add("a"), b = place.add("b"), c = place.add("c");
  CHECK(contains(error_of([&] { place.store.rollback(); }), "no version was current before"));
  for (const std::string& id : {a, b, c}) place.store.promote(id, "");
  place.store.rollback();
  CHECK(place.store.current()->id == b);
  place.store.rollback();
  CHECK(place.store.current()->id == a);
  CHECK(contains(error_of([&] { place.store.rollback(); }), "name one"));
  place.store.rollback(c, "it was good");
  CHECK(place.store.current()->id == c);
  CHECK(place.store.history().back().why == "it was good");
  CHECK(place.store.history().back().before == a);
}

TEST_CASE("store: collect leaves what is current, pinned, young or a rollback away") {
  Place place;
  std::vector<std::string> ids;
  for (const char* text : {"1", "2", "3", "4", "5", "never current"}) ids.push_back(place.add(text));
  for (size_t i = 0; i < 5; ++i) place.store.promote(ids[i], "");
  place.store.pin(ids[0]);
  CHECK(place.store.collect({.rollbacks = 1}).empty());  // all are young
  place.store.collect({.rollbacks = 1, .seconds = 0});
  std::vector<std::string> left;
  for (const Version& version : place.store.list()) left.push_back(version.id);
  std::vector<std::string> expected = {ids[0], ids[3], ids[4]};
  std::sort(expected.begin(), expected.end());
  std::sort(left.begin(), left.end());
  CHECK(left == expected);
  CHECK(contains(error_of([&] { place.store.find(ids[1]); }), "there is no version"));
  place.store.unpin(ids[0]);
  CHECK(place.store.collect({.rollbacks = 0, .seconds = 0}).size() == 2);
  CHECK(place.store.current()->id == ids[4]);
}

TEST_CASE("store: what is no store, and what is damaged, is said") {
  Place place;
  CHECK(place.store.list().empty());
  CHECK(place.store.history().empty());
  CHECK(contains(error_of([&] { place.store.find("abcd"); }), "there is no version 'abcd'"));
  const std::string id = place.add("a");
  place.store.promote(id, "");
  CHECK(contains(error_of([&] { place.store.find("ca"); }), "at least 4"));
  CHECK(contains(error_of([&] { place.store.add(place / "none"); }), "cannot open"));
  CHECK(contains(error_of([&] { place.store.add(place / "model", {.metrics = 5}); }), "metrics are a dict"));
  const std::string history = *(&place.store.folder()) + "/history.jsonl", whole = test::read_file(history);
  for (const std::string& bad :
       {whole.substr(0, whole.size() - 1), whole + "{}\n", whole + whole, std::string("[]\n")}) {
    test::write_file(history, bad);
    CHECK(contains(error_of([&] { place.store.current(); }), "history.jsonl', line "));
  }
}

TEST_CASE("decide: McNemar's mid-p") {
  // P(X > wins) + P(X = wins) / 2 of X ~ Binomial(wins + losses, 1/2), by Python's math.comb
  const auto p = [](int wins, int losses) {
    std::vector<double> candidate(100, 1.0), current(100, 1.0);
    for (int i = 0; i < wins; ++i) current[size_t(i)] = 0;
    for (int i = 0; i < losses; ++i) candidate[50 + size_t(i)] = 0;
    return serve::decide({candidate, current}).probability;
  };
  CHECK(p(9, 1) == doctest::Approx(0.005859375).epsilon(1e-12));
  CHECK(p(5, 0) == doctest::Approx(0.015625).epsilon(1e-12));
  CHECK(p(30, 20) == doctest::Approx(0.08038980090599424).epsilon(1e-9));
  CHECK(p(0, 0) == 1);
  const std::vector<double> scores = {0.1, 0.4, 0.3, 0.8, 0.5}, higher = {0.2, 0.5, 0.35, 0.9, 0.7};
  CHECK(serve::decide({higher, scores}).is_better);
  CHECK(!serve::decide({scores, higher}).is_better);
  CHECK(contains(error_of([&] { serve::decide({{1}, {}}); }), "1 outcomes of the candidate and 0"));
  CHECK(contains(error_of([&] { serve::decide({}); }), "no outcomes"));
  CHECK(contains(error_of([&] { serve::decide({{NAN}, {1}}); }), "finite"));
}

}  // namespace kiln
