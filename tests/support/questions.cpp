#include <support/device.h>
#include <support/fork.h>
#include <support/questions.h>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <new>
#include <thread>

#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/meta.h>

namespace kiln::test {
namespace {

struct Outcome {
  Answer answer;
  std::string text;
};
const Outcome kPassed{Answer::passed, ""};
Outcome failed(std::string text) { return {Answer::failed, std::move(text)}; }
Outcome not_applicable(std::string text) { return {Answer::not_applicable, std::move(text)}; }

struct Question {
  std::string name;
  std::function<Outcome()> ask;
};

constexpr DType kAllTypes[] = {float32,
                               float64,
                               float16,
                               bfloat16,
                               int64,
                               int32,
                               int16,
                               int8,
                               uint8,
                               bool8,
                               DType::uint16,
                               DType::complex64,
                               DType::float8_e4m3fn};

// A result or an Error will do.
Outcome survives(const std::function<void()>& call) {
  try {
    call();
    wait();
  } catch (const Error& error) {
    if (std::string(error.what()).empty()) return failed("an Error without words");
    return kPassed;
  } catch (const std::bad_alloc&) {
    return failed("std::bad_alloc");
  } catch (const std::exception& error) {
    return failed(std::string("another exception: ") + error.what());
  }
  return kPassed;
}

Tensor with_type(const Tensor& x, DType dtype) {
  if (!is_storage_only(dtype)) return x.to(dtype);
  return from_storage(Storage::allocate(std::max<int64_t>(1, x.numel()) * size_of(dtype), x.device()), dtype,
                      Layout::contiguous(x.shape()));
}

Tensor on_meta(const Tensor& x) {
  return from_storage(Storage::adopt(nullptr, x.numel() * size_of(x.dtype()), meta, nullptr, [](void*) {}),
                      x.dtype(), Layout::contiguous(x.shape()));
}

Tensors cast(const Tensors& xs, DType dtype) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(x.defined() && x.is_floating_point() ? x.to(dtype) : x);
  return result;
}

Tensors leaves_of(const Tensors& xs) {
  Tensors result;
  for (const Tensor& x : xs)
    result.push_back(x.defined() && x.is_floating_point() ? x.detach().clone().requires_grad_() : x);
  return result;
}

// The gradients of a sum over results, each times fixed random numbers of type `of`.
struct Backward {
  const Subject& subject;

  Tensors results(const Tensors& leaves) const {
    manual_seed(7);
    Tensors ys;
    for (const Tensor& y : subject.call(leaves))
      if (y.defined() && y.is_floating_point() && y.requires_grad()) ys.push_back(y);
    return ys;
  }
  Tensors weights(const Tensors& ys, DType of) const {
    Tensors gs;
    Generator generator(11);
    for (const Tensor& y : ys)
      gs.push_back(
          randn(y.shape(), {.dtype = float64, .device = y.device()}, &generator).to(bfloat16).to(of));
    return gs;
  }
  // Undefined where nothing depends on the leaf.
  Tensors gradients(const Tensors& leaves, std::optional<DType> of = {}) const {
    const Tensors ys = results(leaves);
    if (!ys.empty()) autograd::backward(ys, weights(ys, of.value_or(ys[0].dtype())));
    Tensors grads;
    for (const Tensor& x : leaves)
      grads.push_back(x.defined() && x.is_floating_point() ? x.grad() : Tensor());
    return grads;
  }
};

double worst(const Tensors& found, const Tensors& expected) {
  double result = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i].defined() != expected[i].defined()) return INFINITY;
    if (!found[i].defined() || found[i].numel() == 0) continue;
    if (found[i].shape() != expected[i].shape()) return INFINITY;
    const std::vector<double> x = found[i].to_vector<double>(), y = expected[i].to_vector<double>();
    double scale = 1;
    for (const double value : y) scale = std::max(scale, std::isfinite(value) ? std::abs(value) : 0);
    for (size_t k = 0; k < x.size(); ++k) {
      if (x[k] == y[k] || (std::isnan(x[k]) && std::isnan(y[k]))) continue;
      const double away = std::abs(x[k] - y[k]) / scale;
      result = std::max(result, std::isnan(away) ? INFINITY : away);
    }
  }
  return result;
}

Outcome within(const Tensors& found, const Tensors& expected, double bound) {
  const double away = worst(found, expected);
  return away <= bound ? kPassed
                       : failed(fmt::format("gradients are {:.2g} away, the bound is {:.2g}", away, bound));
}

// Something to compare, or why there is nothing.
std::optional<Outcome> without_gradient(const Subject& subject) {
  if (!subject.has_gradient) return not_applicable(subject.why);
  try {
    if (Backward{subject}.results(leaves_of(subject.inputs)).empty())
      return not_applicable("no result has a gradient");
  } catch (const Error& error) {
    return failed(std::string("the call does not work with leaves: ") + error.what());
  }
  return {};
}

Outcome backward_in(const Subject& subject, DType dtype, double bound) {
  if (auto none = without_gradient(subject)) return *none;
  const Tensors rounded = cast(subject.inputs, dtype);
  Tensors grads;
  try {
    const Tensors leaves = leaves_of(rounded);
    grads = Backward{subject}.gradients(leaves);
    for (size_t i = 0; i < grads.size(); ++i)
      if (grads[i].defined() && grads[i].dtype() != leaves[i].dtype())
        return failed("a gradient of another type");
  } catch (const Error& error) {
    return not_applicable("does not compute in that type");
  }
  return within(grads, Backward{subject}.gradients(leaves_of(cast(rounded, float64))),
                bound * subject.tolerance);
}

Outcome gradient_in(const Subject& subject, DType dtype) {
  if (auto none = without_gradient(subject)) return *none;
  const Backward backward{subject};
  return within(backward.gradients(leaves_of(subject.inputs), dtype),
                backward.gradients(leaves_of(subject.inputs)), 1e-6);
}

Outcome backward_in_another_thread(const Subject& subject) {
  if (auto none = without_gradient(subject)) return *none;
  const Backward backward{subject};
  const Tensors leaves = leaves_of(subject.inputs);
  Tensors ys;
  std::thread([&] {
    const FactoryDevice scope(device());
    set_num_threads(1);
    ys = backward.results(leaves);
  }).join();
  autograd::backward(ys, backward.weights(ys, ys[0].dtype()));
  Tensors grads;
  for (const Tensor& x : leaves) grads.push_back(x.defined() && x.is_floating_point() ? x.grad() : Tensor());
  return within(grads, backward.gradients(leaves_of(subject.inputs)), 1e-6);
}

// Two threads on the same leaves: each adds its gradient.
Outcome two_threads(const Subject& subject) {
  if (auto none = without_gradient(subject)) return *none;
  const Backward backward{subject};
  Tensors probe = backward.gradients(leaves_of(subject.inputs));
  const Tensors again = backward.gradients(leaves_of(subject.inputs));
  if (worst(probe, again) > 0) return not_applicable("draws from the shared generator");
  const Tensors leaves = leaves_of(subject.inputs);
  constexpr int kRounds = 3;
  std::vector<std::thread> threads;
  std::vector<std::string> errors(2);
  for (std::string& error : errors)
    threads.emplace_back([&] {
      const FactoryDevice scope(device());
      set_num_threads(1);
      try {
        for (int round = 0; round < kRounds; ++round) backward.gradients(leaves);
      } catch (const std::exception& caught) {
        error = caught.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& error : errors)
    if (!error.empty()) return failed(error);
  Tensors grads, expected;
  for (size_t i = 0; i < leaves.size(); ++i) {
    grads.push_back(probe[i].defined() ? leaves[i].grad() : Tensor());
    expected.push_back(probe[i].defined() ? probe[i] * (2 * kRounds) : Tensor());
  }
  return within(grads, expected, 1e-5);
}

std::vector<Question> questions_about_operand(const Subject& subject, size_t i) {
  std::vector<Question> list;
  const auto with = [&subject, i](const std::string& name, std::function<Tensor(const Tensor&)> change) {
    return Question{name, [&subject, i, change] {
                      if (!subject.inputs[i].defined()) return not_applicable("the operand is left out");
                      return survives([&] {
                        Tensors inputs = subject.inputs;
                        inputs[i] = change(inputs[i]);
                        subject.call(inputs);
                      });
                    }};
  };
  list.push_back(with("undefined", [](const Tensor&) { return Tensor(); }));
  for (const DType dtype : kAllTypes)
    list.push_back(with("type " + name_of(dtype), [dtype](const Tensor& x) { return with_type(x, dtype); }));
  list.push_back(with("0-dim", [](const Tensor& x) { return ones({}, like(x)); }));
  list.push_back(with("empty", [](const Tensor& x) {
    Shape shape = x.shape();
    if (shape.rank() == 0) shape.push_back(0);
    shape[0] = 0;
    return empty(shape, like(x));
  }));
  list.push_back(with("empty inside", [](const Tensor& x) {
    Shape shape = x.shape();
    if (shape.rank() == 0) shape.push_back(0);
    shape[shape.rank() - 1] = 0;
    return empty(shape, like(x));
  }));
  list.push_back(with("one more dimension", [](const Tensor& x) { return x.unsqueeze(0).unsqueeze(0); }));
  list.push_back(with("huge and empty", [](const Tensor& x) {
    Shape shape = x.shape();
    while (shape.rank() < 2) shape.push_back(1);
    shape[0] = int64_t(1) << 57;
    shape[shape.rank() - 1] = 0;
    return empty(shape, like(x));
  }));
  list.push_back(with("on the meta device", [](const Tensor& x) { return on_meta(x); }));
  if constexpr (kCudaBuilt)
    list.push_back(with("on another device",
                        [](const Tensor& x) { return x.to(x.device().is_cpu() ? Device("cuda") : cpu); }));
  else
    list.push_back({"on another device", [] { return not_applicable("this build has one device"); }});
  return list;
}

std::vector<Question> questions_of(const Subject& subject) {
  std::vector<Question> list;
  list.push_back({"works", [&] {
                    try {
                      subject.call(subject.inputs);
                      wait();
                    } catch (const std::exception& error) {
                      return failed(error.what());
                    }
                    return kPassed;
                  }});
  for (size_t i = 0; i < subject.inputs.size(); ++i)
    for (Question& question : questions_about_operand(subject, i)) list.push_back(std::move(question));
  list.push_back({"all undefined", [&] {
                    if (subject.inputs.empty()) return not_applicable("takes no tensor");
                    return survives([&] { subject.call(Tensors(subject.inputs.size())); });
                  }});
  list.push_back({"backward in float32", [&] { return backward_in(subject, float32, 2e-4); }});
  list.push_back({"backward in float16", [&] { return backward_in(subject, float16, 2e-2); }});
  list.push_back({"backward in bfloat16", [&] { return backward_in(subject, bfloat16, 1.2e-1); }});
  list.push_back({"gradient in float64", [&] { return gradient_in(subject, float64); }});
  list.push_back({"gradient in bfloat16", [&] { return gradient_in(subject, bfloat16); }});
  list.push_back({"backward in another thread", [&] { return backward_in_another_thread(subject); }});
  list.push_back({"two threads", [&] { return two_threads(subject); }});
  for (const auto& call : subject.ends)
    list.push_back({"ends of int64", [&] { return survives([&] { call(subject.inputs); }); }});
  if (subject.ends.empty())
    list.push_back({"ends of int64", [] { return not_applicable("takes no sizes, positions or counts"); }});
  return list;
}

// What a child leaves for its parent, in memory that both see.
struct Report {
  int done, answer;
  char text[400];
};

Outcome answered(const Question& question) {
  const FactoryDevice scope(device());
  try {
    return question.ask();
  } catch (const std::exception& error) {
    return failed(std::string("outside of the call: ") + error.what());
  }
}

// Answers from `first` on until a question ends the process; the number of those that have an answer.
void run_child(const std::vector<Question>& questions, size_t first, Report* reports) {
  for (const int number : {SIGSEGV, SIGFPE, SIGABRT, SIGILL, SIGBUS, SIGTERM}) signal(number, SIG_DFL);
  set_num_threads(1);
  for (size_t i = first; i < questions.size(); ++i) {
    alarm(60);
    const Outcome outcome = answered(questions[i]);
    reports[i].answer = int(outcome.answer);
    std::strncpy(reports[i].text, outcome.text.c_str(), sizeof reports[i].text - 1);
    reports[i].done = 1;
  }
  _exit(0);
}

}  // namespace

void Tally::add(const std::string& subject, const std::string& question, Answer answer,
                const std::string& text) {
  if (answer == Answer::passed) {
    ++passed;
    ++by_question[question];
  } else if (answer == Answer::failed) {
    ++failed;
    failures.push_back(subject + ", " + question + ": " + text);
  } else {
    ++not_applicable;
    ++reasons[text];
  }
}

std::string Tally::text() const {
  std::string result;
  for (const auto& [question, count] : by_question) result += fmt::format("  {:6} {}\n", count, question);
  result += "  not applicable:\n";
  for (const auto& [reason, count] : reasons) result += fmt::format("  {:6} {}\n", count, reason);
  for (const std::string& failure : failures) result += "  failed: " + failure + "\n";
  return result + fmt::format("{} passed, {} failed, {} not applicable\n", passed, failed, not_applicable);
}

void ask(const Subject& subject, Tally& tally) {
  const std::vector<Question> questions = questions_of(subject);
  const bool forks = !kCudaBuilt || kCudaEmulated;  // a child of a process that has a GPU cannot use it
  if (!forks) {
    for (const Question& question : questions) {
      const Outcome outcome = answered(question);
      tally.add(subject.name, question.name, outcome.answer, outcome.text);
    }
    return;
  }
  const size_t bytes = questions.size() * sizeof(Report);
  auto* reports =
      static_cast<Report*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  std::memset(reports, 0, bytes);
  for (size_t next = 0; next < questions.size();) {
    const pid_t child = fork_at_rest();
    if (child == 0) run_child(questions, next, reports);
    int status = 0;
    waitpid(child, &status, 0);
    for (; next < questions.size() && reports[next].done != 0; ++next)
      tally.add(subject.name, questions[next].name, Answer(reports[next].answer), reports[next].text);
    if (next < questions.size()) {
      tally.add(subject.name, questions[next].name, Answer::failed,
                WIFSIGNALED(status) ? std::string("signal ") + strsignal(WTERMSIG(status))
                                    : fmt::format("ended with {}", WEXITSTATUS(status)));
      ++next;
    }
  }
  munmap(reports, bytes);
}

}  // namespace kiln::test
