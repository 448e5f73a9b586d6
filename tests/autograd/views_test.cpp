#include <doctest/doctest.h>

#include <support/check_op.h>

using namespace kiln;
using test::check_op;

namespace {

using View = Tensor (*)(const Tensor& x);
struct Row {
  std::vector<Shape> shapes;
  View view;
  std::vector<int64_t> picked = {};  // flat indices of x that the view shows; empty: all in order
};

Tensor picked(const Tensors& in, const Row& row) {
  const Tensor shown = row.view(in[0]);
  if (row.picked.empty()) return in[0].contiguous().view(shown.shape());
  const std::vector<double> x = in[0].to_vector<double>();
  std::vector<double> y;
  for (const int64_t i : row.picked) y.push_back(x[size_t(i)]);
  return from_values(y, shown.shape());
}

}  // namespace

TEST_CASE("views") {
  check_op<Row>({
      .name = "view",
      .op = [](const Tensors& in, const Row& row) { return row.view(in[0]); },
      .reference = picked,
      .rows =
          {
              {{{2, 3}},
               [](const Tensor& x) {
                 return x.reshape({3, -1});
               }},
              {{{2, 3}}, [](const Tensor& x) { return x.flatten(); }},
              {{{}}, [](const Tensor& x) { return x.flatten(); }},
              {{{2, 3, 2, 2}}, [](const Tensor& x) { return x.flatten(1, 2); }},
              {{{2, 0}},
               [](const Tensor& x) {
                 return x.reshape({0, 5});
               }},
              {{{2, 3}}, [](const Tensor& x) { return x.t(); }, {0, 3, 1, 4, 2, 5}},
              {{{2, 1, 3}},
               [](const Tensor& x) {
                 return x.permute({2, -3, 1});
               },
               {0, 3, 1, 4, 2, 5}},
              {{{4, 2}}, [](const Tensor& x) { return x.narrow(0, 1, 2); }, {2, 3, 4, 5}},
              {{{4, 2}}, [](const Tensor& x) { return x.narrow(0, -1, 1); }, {6, 7}},
              {{{4, 2}}, [](const Tensor& x) { return x.select(1, -1); }, {1, 3, 5, 7}},
              {{{4, 2}}, [](const Tensor& x) { return x[2]; }, {4, 5}},
              {{{7}}, [](const Tensor& x) { return x.slice(0, 1, -1, 2); }, {1, 3, 5}},
              {{{7}}, [](const Tensor& x) { return x.slice(0, -3); }, {4, 5, 6}},
              {{{7}}, [](const Tensor& x) { return x.slice(0, 5, 100); }, {5, 6}},
              {{{1, 2, 1}}, [](const Tensor& x) { return x.squeeze(); }},
              {{{1, 2, 1}}, [](const Tensor& x) { return x.squeeze(-1); }},
              {{{2, 3}}, [](const Tensor& x) { return x.unsqueeze(-1); }},
              {{{2, 3}}, [](const Tensor& x) { return x.unsqueeze(0); }},
              {{{2, 1}},
               [](const Tensor& x) {
                 return x.expand({2, 2, 3});
               },
               {0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1}},
              {{{2, 1}},
               [](const Tensor& x) {
                 return x.expand({-1, 2});
               },
               {0, 0, 1, 1}},
              {{{}}, [](const Tensor& x) { return x.expand({2}); }, {0, 0}},
              {{{5, 2}}, [](const Tensor& x) { return x.split(2)[2]; }, {8, 9}},
              {{{5}}, [](const Tensor& x) { return chunk(x, 2)[1]; }, {3, 4}},
              {{{2, 2}}, [](const Tensor& x) { return unbind(x, 1)[1]; }, {1, 3}},
          },
      .errors =
          {
              {{{{2, 3}},
                [](const Tensor& x) {
                  return x.reshape({4, -1});
                }},
               "reshape: shape [4,-1] does not fit"},
              {{{{2, 3}},
                [](const Tensor& x) {
                  return x.reshape({-1, -1});
                }},
               "only one size of [-1,-1] may be -1"},
              {{{{2, 0}},
                [](const Tensor& x) {
                  return x.reshape({0, -1});
                }},
               "-1 in [0,-1] could be any size"},
              {{{{2, 3}},
                [](const Tensor& x) {
                  return x.reshape({-2, -3});
                }},
               "must not be negative, but for one -1"},
              {{{{2, 3}}, [](const Tensor& x) { return x.t().view(6); }}, "use reshape, which copies"},
              {{{{2, 3}},
                [](const Tensor& x) {
                  return x.permute({0, 0});
                }},
               "permute: order [0,0] names a dim twice"},
              {{{{2, 3}}, [](const Tensor& x) { return x.narrow(1, 2, 2); }},
               "narrow: start 2 with length 2 exceeds size 3"},
              {{{{2, 3}}, [](const Tensor& x) { return x.select(1, 3); }},
               "select: index 3 is out of range at dim 1"},
              {{{{}}, [](const Tensor& x) { return x[0]; }}, "use item()"},
              {{{{2, 3}}, [](const Tensor& x) { return x.slice(0, 0, 2, 0); }},
               "slice: step must be positive, got 0"},
              {{{{2, 3}},
                [](const Tensor& x) {
                  return x.expand({4, 3});
                }},
               "expand: x [2,3] cannot be expanded to [4,3]"},
              {{{{2, 3}}, [](const Tensor& x) { return x.flatten(1, 0); }},
               "flatten: start dim 1 comes after end dim 0"},
              {{{{2, 3}}, [](const Tensor& x) { return x.split(0)[0]; }},
               "split: the size of a part must be positive"},
          },
  });
}

TEST_CASE("as_strided and its gradients") {
  check_op<Row>({
      .name = "as_strided",
      .op = [](const Tensors& in, const Row& row) { return row.view(in[0].contiguous()); },
      .reference = picked,
      .rows = {{{{3, 4}},
                [](const Tensor& x) {
                  return as_strided(x.contiguous(), {2, 2}, {5, 2}, 1);
                },
                {1, 3, 6, 8}}},
  });
}
