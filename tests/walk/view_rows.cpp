#include "rows.h"

namespace kiln::walk {
namespace {

const Layout kDense = Layout::contiguous({3, 4});
const Layout kPart = kDense.narrow(0, 1, 2);

Rows reshapes() {
  return {
      with_ends(one("reshape",
                    [](auto& x) {
                      return reshape(x, {2, 6});
                    }),
                {[](const Tensors& in) { reshape(in[0], {kMost}); },
                 [](const Tensors& in) {
                   reshape(in[0], {kLeast, -1});
                 },
                 [](const Tensors& in) {
                   reshape(in[0], {-1, -2});
                 },
                 [](const Tensors& in) {
                   reshape(in[0], {int64_t(1) << 32, int64_t(1) << 32});
                 }}),
      with_ends(one("view",
                    [](auto& x) {
                      return x.view({2, 6});
                    }),
                {[](const Tensors& in) {
                   in[0].view({kMost, 2});
                 },
                 [](const Tensors& in) { in[0].view({kLeast}); }}),
      with_ends(one("permute",
                    [](auto& x) {
                      return permute(x, {1, 0});
                    }),
                {[](const Tensors& in) {
                  permute(in[0], {kMost, kLeast});
                }}),
      with_ends(one("transpose", [](auto& x) { return transpose(x, 0, 1); }),
                {[](const Tensors& in) { transpose(in[0], INT32_MAX, INT32_MIN); }}),
      one("t", [](auto& x) { return x.t(); }),
      one("mT", [](auto& x) { return x.mT(); }),
      with_ends(one("narrow", [](auto& x) { return narrow(x, 1, 1, 2); }),
                {[](const Tensors& in) { narrow(in[0], 1, kMost, 2); },
                 [](const Tensors& in) { narrow(in[0], 1, kLeast, 2); },
                 [](const Tensors& in) { narrow(in[0], 1, 1, kMost); },
                 [](const Tensors& in) { narrow(in[0], 1, 1, kLeast); },
                 [](const Tensors& in) { narrow(in[0], INT32_MIN, 1, 1); }}),
      with_ends(one("select", [](auto& x) { return select(x, 1, 2); }),
                {[](const Tensors& in) { select(in[0], 1, kMost); },
                 [](const Tensors& in) { select(in[0], 1, kLeast); }}),
      with_ends(one("slice", [](auto& x) { return slice(x, 1, 0, 4, 2); }),
                {[](const Tensors& in) { slice(in[0], 1, kLeast, kMost, kMost); },
                 [](const Tensors& in) { slice(in[0], 1, kMost, kLeast, 1); },
                 [](const Tensors& in) { slice(in[0], 1, 0, 4, kLeast); },
                 [](const Tensors& in) { slice(in[0], 0, 0, kMost, kMost).clone(); }}),
  };
}

Rows cuts() {
  return {
      one("squeeze", [](auto& x) { return squeeze(x); }, {3, 1}),
      with_ends(one("squeeze", [](auto& x) { return squeeze(x, 1); }, {3, 1}),
                {[](const Tensors& in) { squeeze(in[0], INT32_MAX); }}),
      with_ends(one("unsqueeze", [](auto& x) { return unsqueeze(x, 0); }),
                {[](const Tensors& in) { unsqueeze(in[0], INT32_MIN); }}),
      with_ends(one("expand",
                    [](auto& x) {
                      return expand(x, {2, 3, 4});
                    }),
                {[](const Tensors&) {
                   expand(ones({1, 1}), {int64_t(1) << 32, int64_t(1) << 32});
                 },
                 [](const Tensors&) { expand(ones({1}), {kMost}); },
                 [](const Tensors&) { expand(ones({1}), {kLeast}); },
                 [](const Tensors&) { expand(ones({1}), {int64_t(1) << 50}).clone(); },
                 [](const Tensors&) { relu(expand(ones({1}), {int64_t(1) << 50})); }}),
      with_ends(one("flatten", [](auto& x) { return flatten(x); }),
                {[](const Tensors& in) { flatten(in[0], INT32_MAX, INT32_MIN); }}),
      with_ends({"split", {values({3, 4})}, [](const Tensors& in) { return split(in[0], 2, 1); }},
                {[](const Tensors& in) { split(in[0], kMost, 1); },
                 [](const Tensors& in) { split(in[0], kLeast, 1); }}),
      with_ends({"chunk", {values({3, 4})}, [](const Tensors& in) { return chunk(in[0], 3, 1); }},
                {[](const Tensors& in) { chunk(in[0], kMost, 1); },
                 [](const Tensors& in) { chunk(in[0], kLeast, 1); },
                 [](const Tensors& in) { chunk(in[0], 2, INT32_MAX); }}),
      with_ends({"unbind", {values({3, 4})}, [](const Tensors& in) { return unbind(in[0], 1); }},
                {[](const Tensors& in) { unbind(in[0], INT32_MIN); }}),
      with_ends(one("as_strided",
                    [](auto& x) {
                      return as_strided(x, {2, 2}, {4, 1}, 1);
                    }),
                {[](const Tensors& in) { as_strided(in[0], {3}, {int64_t(1) << 62}, 0); },
                 [](const Tensors& in) { as_strided(in[0], {2}, {1}, kMost); },
                 [](const Tensors& in) { as_strided(in[0], {2}, {1}, kLeast); },
                 [](const Tensors& in) {
                   as_strided(in[0], {kMost, kMost}, {0, 0}, 0);
                 },
                 [](const Tensors& in) {
                   as_strided(in[0], {2, 2}, {kLeast, 1}, 0);
                 },
                 [](const Tensors& in) {
                   as_strided(in[0], {2, 2}, {1}, 0);
                 }}),
  };
}

Rows arrangements() {
  return {
      with_ends(one("repeat",
                    [](auto& x) {
                      return repeat(x, {2, 1, 3});
                    }),
                {[](const Tensors& in) {
                   repeat(in[0], {kMost, kMost});
                 },
                 [](const Tensors& in) {
                   repeat(in[0], {1, kLeast});
                 }}),
      with_ends(one("tile", [](auto& x) { return tile(x, {2}); }),
                {[](const Tensors& in) { tile(in[0], {kMost}); }}),
      with_ends(one("flip",
                    [](auto& x) {
                      return flip(x, {0, 1});
                    }),
                {[](const Tensors& in) { flip(in[0], {kMost}); }}),
      with_ends(one("roll", [](auto& x) { return roll(x, {1}, {0}); }),
                {[](const Tensors& in) { roll(in[0], {kMost}, {0}); },
                 [](const Tensors& in) { roll(in[0], {kLeast}, {0}); },
                 [](const Tensors& in) { roll(in[0], {1}, {kLeast}); }}),
      with_ends(one("strided_part", [](auto& x) { return strided_part(x, kDense, kPart); }),
                {[](const Tensors& in) {
                   strided_part(in[0], kDense, {{2}, {kMost}, 0});
                 },
                 [](const Tensors& in) {
                   strided_part(in[0], {{3, 4}, {kMost, 1}, 0}, kPart);
                 }}),
      with_ends(two(
                    "strided_assign", [](auto& x, auto& y) { return strided_assign(x, y, kDense, kPart); },
                    values({3, 4}), values({2, 4})),
                {[](const Tensors& in) {
                  strided_assign(in[0], in[1], kDense, {{2, 4}, {4, 1}, kMost});
                }}),
      one("clone", [](auto& x) { return clone(x); }),
      one("contiguous", [](auto& x) { return contiguous(x.t()); }),
      one("contiguous", [](auto& x) { return contiguous(x, MemoryFormat::channels_last); }, {2, 3, 2, 2}),
  };
}

Rows conversions() {
  return {
      one("to", [](auto& x) { return to(x, float64); }),
      one("to", [](auto& x) { return to(x, cpu); }),
      one("to", [](auto& x) { return to(x, cpu, bfloat16); }),
      one("half", [](auto& x) { return x.half(); }),
      one("bfloat16", [](auto& x) { return x.bfloat16(); }),
      one("cpu", [](auto& x) { return x.cpu(); }),
      one("cuda", [](auto& x) { return cuda_is_available() ? x.cuda() : x; }),
      two(
          "type_as", [](auto& x, auto& y) { return x.type_as(y); }, values({3, 4}), values({2})),
      two(
          "view_as", [](auto& x, auto& y) { return x.view_as(y); }, values({3, 4}), values({2, 6})),
      two(
          "reshape_as", [](auto& x, auto& y) { return x.reshape_as(y); }, values({3, 4}), values({2, 6})),
      two(
          "expand_as", [](auto& x, auto& y) { return x.expand_as(y); }, values({1, 4}), values({3, 4})),
      with_ends(two(
                    "cat",
                    [](auto& x, auto& y) {
                      return cat({x, y}, 1);
                    },
                    values({3, 4}), values({3, 2})),
                {[](const Tensors& in) { cat(in, INT32_MAX); }, [](const Tensors&) { cat({}); },
                 [](const Tensors&) {
                   const Tensor huge = ones({1}).expand({int64_t(1) << 58});
                   cat({huge, huge, huge, huge, huge, huge, huge, huge, huge, huge, huge,
                        huge, huge, huge, huge, huge, huge, huge, huge, huge, huge, huge,
                        huge, huge, huge, huge, huge, huge, huge, huge, huge, huge});
                 }}),
      with_ends(two(
                    "stack",
                    [](auto& x, auto& y) {
                      return stack({x, y}, 1);
                    },
                    values({3, 4}), values({3, 4})),
                {[](const Tensors& in) { stack(in, INT32_MIN); }, [](const Tensors&) { stack({}); }}),
      with_ends(one("sum_to", [](auto& x) { return sum_to(x, {4}, float32); }),
                {[](const Tensors& in) { sum_to(in[0], {kMost}, float32); }}),
  };
}

template <class F>
Subject made(const char* name, F f, std::vector<std::function<void(const Tensors&)>> ends) {
  return with_ends(
      without_gradient({name, {}, [f](const Tensors&) { return Tensors{f()}; }}, "takes no tensor"),
      std::move(ends));
}

Rows factories() {
  return {
      made("zeros", [] { return zeros({2}); },
           {[](const Tensors&) { zeros({kMost}); }, [](const Tensors&) { zeros({kLeast}); },
            [](const Tensors&) {
              zeros({0, kMost, kMost});
            }}),
      made("ones", [] { return ones({2}); }, {[](const Tensors&) { ones({int64_t(1) << 62}); }}),
      made("full", [] { return full({2}, 3, {.dtype = uint8}); },
           {[](const Tensors&) { full({1}, 300, {.dtype = uint8}); },
            [](const Tensors&) { full({1}, kMost, {.dtype = int32}); },
            [](const Tensors&) { full({1}, 1e300, {.dtype = float32}); }}),
      made("full", [] { return full({2}, 3); }, {[](const Tensors&) {
             full({int64_t(1) << 40, int64_t(1) << 40}, 1);
           }}),
      made("empty", [] { return empty({2}).zero_(); },
           {[](const Tensors&) { empty({int64_t(1) << 62}); },
            [](const Tensors&) { empty({int64_t(1) << 45}); }}),
      made("arange", [] { return arange(4); },
           {[](const Tensors&) { arange(kMost); }, [](const Tensors&) { arange(kLeast, kMost); }}),
      made("arange", [] { return arange(0, 4, 2); },
           {[](const Tensors&) { arange(0, kMost, kMost); },
            [](const Tensors&) { arange(kMost, kLeast, kLeast); },
            [](const Tensors&) { arange(0, kLeast, -1); }}),
      made("arange", [] { return arange(0, 4, 2, {.dtype = int8}); },
           {[](const Tensors&) { arange(0, 300, 1, {.dtype = int8}); }}),
      made("linspace", [] { return linspace(0, 1, 4); },
           {[](const Tensors&) { linspace(0, 1, kMost); }, [](const Tensors&) { linspace(0, 1, kLeast); }}),
      made("eye", [] { return eye(3); },
           {[](const Tensors&) { eye(kMost); }, [](const Tensors&) { eye(kLeast); },
            [](const Tensors&) { eye(int64_t(1) << 40); }}),
      made("rand", [] { return rand({2}); }, {[](const Tensors&) { rand({kMost}); }}),
      made("randn", [] { return randn({2}); }, {[](const Tensors&) { randn({kMost}); }}),
      made("randint", [] { return randint(0, 9, {2}); },
           {[](const Tensors&) { randint(kLeast, kMost, {2}); },
            [](const Tensors&) { randint(0, kMost, {2}, {.dtype = uint8}); }}),
      made("randperm", [] { return randperm(4); },
           {[](const Tensors&) { randperm(kMost); }, [](const Tensors&) { randperm(kLeast); }}),
      without_gradient(one("like", [](auto& x) { return zeros({2}, like(x)); })),
      without_gradient(one("empty_like", [](auto& x) { return empty_like(x).zero_(); })),
      without_gradient(one("zeros_like", [](auto& x) { return zeros_like(x); })),
      without_gradient(one("ones_like", [](auto& x) { return ones_like(x); })),
      with_ends(without_gradient(one("full_like", [](auto& x) { return full_like(x, 1); })),
                {[](const Tensors& in) { full_like(in[0].to(uint8), kMost); }}),
      without_gradient(one("rand_like", [](auto& x) { return rand_like(x); })),
      without_gradient(one("randn_like", [](auto& x) { return randn_like(x); })),
      without_gradient(one(
                           "bernoulli", [](auto& x) { return bernoulli(x); }, {3, 4}, 0.1, 0.9),
                       "its gradient is zero"),
  };
}

}  // namespace

Rows view_rows() {
  Rows rows = reshapes();
  for (const Rows& more : {cuts(), arrangements(), conversions(), factories()})
    rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

}  // namespace kiln::walk
