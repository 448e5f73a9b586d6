#include <algorithm>
#include <cmath>

#include <kiln/autograd/ops.h>
#include <kiln/io/bytes/json.h>
#include <kiln/serve/routes/inference.h>
#include <kiln/serve/routes/multipart.h>
#include <kiln/serve/routes/ranges.h>
#include <kiln/serve/routes/state.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve::routes {
namespace {

constexpr const char* kTimeoutField = "x-timeout-ms";

Clock::time_point deadline_of(const Request& request, int64_t timeout_us) {
  if (const std::string* field = request.find(kTimeoutField)) {
    const int64_t us = number_in_range(range::kTimeoutMs, *field) * 1000;
    timeout_us = timeout_us == 0 ? us : std::min(us, timeout_us);
  }
  return timeout_us == 0 ? Clock::time_point::max() : Clock::now() + std::chrono::microseconds(timeout_us);
}

Response busy() {
  Response response = error_response(429, "too many requests wait; try again later");
  response.fields = {{"Retry-After", "1"}};
  return response;
}

void submit(Service::State& state, Job job, const Reply& reply) {
  job.left = [reply] { return reply.is_cancelled(); };
  if (state.batcher.submit(job)) return;
  ++state.telemetry.refused;
  reply.send(busy());
}

// What a decoder says of a picture is for clients, unless it names files.
Tensor prepare(const Engine& engine, std::string_view picture) {
  try {
    const Tensor sample = engine.prepare(picture);
    if (sample.shape() != engine.info().input)
      fail("it became {}, the model takes {}", sample.shape(), engine.info().input);
    return sample.unsqueeze(0);
  } catch (const Error& error) {
    const std::string why = error.what();
    refuse(422, "the picture cannot be read{}", why.find('/') == why.npos ? ": " + why : "");
  }
}

std::string_view picture_in(const Request& request) {
  const std::string* type = request.find("content-type");
  if (type == nullptr)
    refuse(415, "say what the body is by Content-Type: image/jpeg, image/png, multipart/form-data");
  if (type->starts_with("multipart/form-data")) return file_in_form(*type, request.body);
  for (const char* known : {"image/jpeg", "image/png", "application/octet-stream"})
    if (type->starts_with(known)) return request.body;
  refuse(415, "the body must be image/jpeg, image/png or multipart/form-data");
}

std::vector<double> probabilities(const float* scores, int64_t count) {
  const double largest = *std::max_element(scores, scores + count);
  std::vector<double> all(static_cast<size_t>(count));
  double sum = 0;
  for (size_t i = 0; i < all.size(); ++i) sum += all[i] = std::exp(double(scores[i]) - largest);
  for (double& probability : all) probability /= sum;
  return all;
}

// Rows of numbers with three digits.
Value rows_of(const Tensor& map) {
  Value rows = Value::list();
  const std::vector<float> all = map.to_vector<float>();
  for (int64_t y = 0; y < map.size(0); ++y) {
    Value row = Value::list();
    for (int64_t x = 0; x < map.size(1); ++x)
      row.push_back(std::round(double(all[size_t(y * map.size(1) + x)]) * 1000) / 1000);
    rows.push_back(std::move(row));
  }
  return rows;
}

struct Question {
  std::shared_ptr<Engine> engine;
  Tensor input;
  int64_t top = 5;
  bool heat = false;
  Clock::time_point begin = Clock::now();
};

Response prediction(const Question& question, const Outcome& outcome) {
  const ModelInfo& info = question.engine->info();
  const Tensor scores = outcome.scores.contiguous();
  const int64_t count = scores.size(1);
  const std::vector<double> shares = probabilities(scores.data<float>(), count);
  const std::vector<int64_t> best = top(scores.data<float>(), count, question.top);
  Value classes = Value::list();
  for (const int64_t index : best)
    classes.push_back(
        {{"index", index},
         {"name", index < int64_t(info.classes.size()) ? Value(info.classes[size_t(index)]) : Value()},
         {"probability", shares[size_t(index)]}});
  Value map;
  if (question.heat) {
    const Tensor heat = question.engine->heat_map(question.input.select(0, 0), best[0]);
    if (heat.defined()) map = rows_of(heat);
  }
  const std::chrono::duration<double, std::milli> total = Clock::now() - question.begin;
  return {.body = io::json_text({{"model", info.name},
                                 {"version", info.version},
                                 {"top", std::move(classes)},
                                 {"timing",
                                  {{"queue_ms", double(outcome.queue_us) / 1000},
                                   {"compute_ms", double(outcome.compute_us) / 1000},
                                   {"total_ms", total.count()},
                                   {"batch", outcome.batch_rows}}},
                                 {"heat_map", std::move(map)}}),
          .version = info.version,
          .queue_us = outcome.queue_us,
          .compute_us = outcome.compute_us};
}

}  // namespace

void infer(Service::State& state, const std::shared_ptr<Engine>& engine, const Request& request,
           const Reply& reply) {
  const auto inference =
      std::make_shared<Inference>(read_inference(request, engine->info(), state.options.batch.max_batch));
  Job job = {
      .engine = engine, .input = inference->input, .deadline = deadline_of(request, inference->timeout_us)};
  job.shadow = engine == state.deployment.current() ? state.deployment.next_shadow() : nullptr;
  if (job.shadow && job.shadow->info().input != engine->info().input) job.shadow = nullptr;
  if (job.shadow) job.shadow_input = inference->input;
  inference->input = {};
  job.done = [=](const Outcome& outcome) {
    if (outcome.status != 200) return reply.send(error_response(outcome.status, outcome.error));
    Response response = inference_response(*inference, engine->info(), outcome);
    response.version = engine->info().version;
    response.queue_us = outcome.queue_us;
    response.compute_us = outcome.compute_us;
    reply.send(std::move(response));
  };
  submit(state, std::move(job), reply);
}

void predict(Service::State& state, const std::shared_ptr<Engine>& engine, const Request& request,
             const Reply& reply) {
  const std::string_view picture = picture_in(request);
  Question question = {.engine = engine};
  if (const std::string most = request.parameter("top"); !most.empty())
    question.top = number_in_range(range::kTop, most);
  question.heat = request.parameter("heat") == "1";
  question.input = prepare(*question.engine, picture);
  Job job = {.engine = question.engine, .input = question.input, .deadline = deadline_of(request, 0)};
  job.shadow = state.deployment.next_shadow();
  if (job.shadow) job.shadow_input = prepare(*job.shadow, picture);
  if (!question.heat) question.input = {};
  job.done = [&state, question, reply](const Outcome& outcome) {
    if (outcome.status != 200) return reply.send(error_response(outcome.status, outcome.error));
    const auto answer = [question, reply, outcome] {
      try {
        reply.send(prediction(question, outcome));
      } catch (const std::exception&) {
        reply.send(error_response(500, "the model failed on this input"));
      }
    };
    // A heat map is a pass through the model of its own.
    if (question.heat)
      state.workers.post(answer);
    else
      answer();
  };
  submit(state, std::move(job), reply);
}

}  // namespace kiln::serve::routes
