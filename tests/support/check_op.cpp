#include <support/check_op.h>
#include <support/device.h>
#include <support/questions.h>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>

#include <kiln/tensor/base/fail.h>

namespace kiln::test {
namespace {

// Central differences cost two evaluations an element.
constexpr int64_t kGradcheckElements = 400;

double epsilon_of(DType dtype) {
  switch (dtype) {
    case DType::float16:
      return 0x1p-10;
    case DType::bfloat16:
      return 0x1p-7;
    case DType::float32:
      return 1e-5;
    default:
      return 1e-12;
  }
}

// The same values, laid out differently. An empty function: not possible for this shape.
struct Variant {
  const char* name;
  Tensor (*make)(const Tensor& x);
};

Tensor transposed(const Tensor& x) {
  if (x.dim() < 2) return {};
  return x.transpose(0, -1).contiguous().transpose(0, -1);
}
Tensor stepped(const Tensor& x) {
  if (x.dim() < 1) return {};
  Shape wide = x.shape();
  wide[wide.rank() - 1] = 2 * wide.back() + 1;
  const Tensor memory = zeros(wide, like(x));
  const Tensor view = memory.slice(-1, 1, INT64_MAX, 2);
  view.copy_(x);
  return view;
}
Tensor channels_last(const Tensor& x) {
  return x.dim() == 4 ? x.contiguous(MemoryFormat::channels_last) : Tensor();
}

constexpr Variant kVariants[] = {
    {"transposed", transposed}, {"stepped", stepped}, {"channels-last", channels_last}};

Tensors cast(const Tensors& xs, DType dtype) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(x.to(dtype));
  return result;
}

// The CPU gives the same.
void check_cpu(const BoundCheck& check, const Tensors& inputs, const Tensor& result, double bound) {
  if (device().is_cpu()) return;
  const FactoryDevice scope(cpu);
  Tensors moved;
  for (const Tensor& x : inputs) moved.push_back(x.to(cpu));
  const Tensor expected = check.op(moved);
  CHECK_MESSAGE(result.device() == device(), check.name);
  CHECK_MESSAGE(result.dtype() == expected.dtype(), check.name);
  expect_close(result, expected, bound, bound, check.name + " against the CPU in " + name_of(result.dtype()));
}

void check_variants(const BoundCheck& check, const Tensors& inputs, const Tensor& expected) {
  for (const Variant& variant : kVariants) {
    Tensors changed = inputs;
    bool any = false;
    for (Tensor& x : changed)
      if (const Tensor y = variant.make(x); y.defined()) {
        x = y;
        any = true;
      }
    if (any) expect_close(check.op(changed), expected, 1e-12, 1e-13, check.name + ", " + variant.name);
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].dim() == 0 || inputs[i].size(0) < 2) continue;
    Tensors expanded = inputs, copied = inputs;
    expanded[i] = inputs[i].narrow(0, 0, 1).expand(inputs[i].shape());
    copied[i] = expanded[i].clone().contiguous();
    expect_close(check.op(expanded), check.op(copied), 1e-12, 1e-13,
                 fmt::format("{}, input {} expanded", check.name, i));
  }
}

void check_gradients(const BoundCheck& check, const Tensors& inputs) {
  int64_t elements = 0;
  Tensors leaves;
  for (const Tensor& x : inputs) {
    elements += x.numel();
    leaves.push_back(x.clone().requires_grad_());
  }
  if (elements > kGradcheckElements || elements == 0) return;
  const auto f = [&](const Tensors& in) { return Tensors{check.op(in)}; };
  CHECK_NOTHROW_MESSAGE(gradcheck(f, leaves), check.name);
  if (check.second_derivative) CHECK_NOTHROW_MESSAGE(gradgradcheck(f, leaves), check.name);
}

}  // namespace

Tensor random_input(const Shape& shape, double low, double high, uint64_t seed) {
  Generator generator(seed + 31 * uint64_t(numel(shape)));
  return rand(shape, {.dtype = float64}, &generator) * (high - low) + low;
}

void expect_close(const Tensor& a, const Tensor& b, double rtol, double atol, const std::string& what) {
  CHECK_MESSAGE(a.shape() == b.shape(), what, ": shapes ", to_string(a.shape()), " and ",
                to_string(b.shape()));
  if (a.shape() != b.shape()) return;
  const std::vector<double> x = a.to_vector<double>(), y = b.to_vector<double>();
  double worst = 0;
  size_t where = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) continue;
    double excess = std::abs(x[i] - y[i]) / (atol + rtol * std::abs(y[i]));
    if (std::isnan(excess)) excess = INFINITY;
    if (excess > worst) {
      worst = excess;
      where = i;
    }
  }
  CHECK_MESSAGE(worst <= 1, what, ": element ", where, " is ", x[where], ", expected ", y[where], " (", worst,
                " times the bound)");
}

void expect_error(const std::string& message, const std::function<void()>& f) {
  try {
    f();
    wait();
    FAIL_CHECK("no error, expected: " << message);
  } catch (const Error& error) {
    CHECK_MESSAGE(std::string(error.what()).find(message) != std::string::npos, "got \"",
                  std::string(error.what()), "\", expected it to contain \"", message, "\"");
  }
}

void run_check(const BoundCheck& check) {
  Tensors inputs;
  for (size_t i = 0; i < check.shapes.size(); ++i)
    inputs.push_back(random_input(check.shapes[i], check.low, check.high, i + 1));
  Tensor expected;
  CHECK_NOTHROW_MESSAGE(expected = check.op(inputs), check.name);
  if (!expected.defined()) return;
  if (check.reference)
    expect_close(expected, check.reference(inputs), 1e-11, 1e-12, check.name + " against the reference");
  for (const DType dtype : check.dtypes) {
    const Tensors rounded = cast(inputs, dtype);
    const Tensor result = check.op(rounded);
    const double bound = epsilon_of(dtype) * check.tolerance;
    expect_close(result, check.op(cast(rounded, float64)), bound, bound,
                 check.name + " in " + name_of(dtype));
    check_cpu(check, rounded, result, bound);
  }
  check_cpu(check, inputs, expected, epsilon_of(float64) * check.tolerance);
  check_variants(check, inputs, expected);
  if (!check.first_derivative) return;
  check_gradients(check, inputs);
  const NoGrad scope;
  CHECK_MESSAGE(!check
                     .op({[&] {
                       Tensors leaves = inputs;
                       for (Tensor& x : leaves) x = x.clone().requires_grad_();
                       return leaves;
                     }()})
                     .requires_grad(),
                check.name, " records without grad mode");
}

void ask_questions(const BoundCheck& check) {
  Subject subject{check.name, {}, [&check](const Tensors& in) { return Tensors{check.op(in)}; }};
  int64_t elements = 0;
  for (size_t i = 0; i < check.shapes.size(); ++i) {
    subject.inputs.push_back(
        random_input(check.shapes[i], check.low, check.high, i + 1).to(float32).to(device()));
    elements += subject.inputs.back().numel();
  }
  if (elements > kGradcheckElements) return;
  subject.has_gradient = check.first_derivative;
  subject.why = "the check says so";
  subject.tolerance = check.tolerance;
  Tally tally;
  ask(subject, tally);
  for (const std::string& failure : tally.failures) FAIL_CHECK(failure);
}

}  // namespace kiln::test
