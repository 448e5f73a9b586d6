#include <support/device.h>

#include <doctest/doctest.h>

#include <fstream>
#include <iostream>
#include <regex>
#include <set>

#include "rows.h"

using namespace kiln;

namespace {

walk::Rows all_rows() {
  walk::Rows all;
  for (const auto rows : {walk::elementwise_rows, walk::in_place_rows, walk::view_rows, walk::index_rows,
                          walk::reduce_rows, walk::network_rows, walk::loss_rows, walk::layer_rows,
                          walk::size_rows, walk::block_rows, walk::tensor_rows}) {
    const walk::Rows more = rows();
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

// The names of functions that a header declares, between two lines of it.
std::set<std::string> declared(const std::string& path, const std::string& pattern,
                               const std::string& from = "") {
  std::ifstream file(path);
  CHECK_MESSAGE(file.good(), path);
  const std::regex declaration(pattern);
  std::set<std::string> names;
  std::smatch found;
  bool inside = from.empty();
  for (std::string line; std::getline(file, line);) {
    inside |= !from.empty() && line.find(from) != std::string::npos;
    if (inside && std::regex_search(line, found, declaration)) names.insert(found[1]);
  }
  return names;
}

}  // namespace

TEST_CASE("every function has a row") {
  std::set<std::string> known;
  for (const auto& row : all_rows()) known.insert(row.name);
  const std::string result = "(?:Tensor|Tensors|ValuesAndIndices|bool|TensorOptions)";
  std::set<std::string> wanted = declared("autograd/ops.h", "^" + result + " (\\w+)\\(");
  wanted.merge(declared("autograd/ops_nn.h", "^" + result + " (\\w+)\\("));
  wanted.merge(declared("tensor/tensor.h", "^  (?:const Tensor&|" + result + ") (\\w+)\\(", "class Tensor "));
  CHECK(wanted.size() > 150);
  for (const std::string& name : wanted)
    CHECK_MESSAGE(known.count(name) == 1, name << " has no row in tests/walk");
}

TEST_CASE("no function crashes, and gradients hold, whatever is asked") {
  test::Tally tally;
  const walk::Rows rows = all_rows();
  for (const test::Subject& row : rows) {
    test::Subject moved = row;
    for (Tensor& x : moved.inputs)
      if (x.defined()) x = x.to(test::device());
    test::ask(moved, tally);
  }
  std::cout << rows.size() << " functions and forms of functions, asked on " << to_string(test::device())
            << ":\n"
            << tally.text();
  CHECK(tally.failed == 0);
}
