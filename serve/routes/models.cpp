#include <kiln/io/bytes/json.h>
#include <kiln/serve/routes/state.h>
#include <kiln/tensor/base/version.h>

namespace kiln::serve::routes {
namespace {

Value sizes_of(const Shape& sample) {
  Value sizes = Value::list({Value(-1)});
  for (const int64_t size : sample) sizes.push_back(size);
  return sizes;
}

Value tensor_of(const std::string& name, Value shape) {
  return {{"name", name}, {"datatype", "FP32"}, {"shape", std::move(shape)}};
}

// Triton's pairs.
template <size_t N>
Value duration(const Histogram<N>& histogram) {
  return {{"count", histogram.count()}, {"ns", histogram.sum() * 1000}};
}

}  // namespace

Response server_metadata() {
  return {.body = io::json_text({{"name", "kiln"},
                                 {"version", std::string(version())},
                                 {"extensions", Value::list({"binary_tensor_data", "classification",
                                                             "model_repository", "statistics"})}})};
}

Response model_metadata(const Engine& engine) {
  const ModelInfo& info = engine.info();
  const auto classes = info.classes.empty() ? int64_t(-1) : int64_t(info.classes.size());
  Value labels = Value::list();
  for (const std::string& name : info.classes) labels.push_back(name);
  return {
      .body = io::json_text(
          {{"name", info.name},
           {"versions", Value::list({info.version})},
           {"platform", "kiln"},
           {"inputs", Value::list({tensor_of(info.input_name, sizes_of(info.input))})},
           {"outputs", Value::list({tensor_of(info.output_name, Value::list({Value(-1), Value(classes)}))})},
           {"parameters",
            {{"architecture", info.architecture}, {"preset", info.preset}, {"classes", std::move(labels)}}}}),
      .version = info.version};
}

// The specification's example prints `live` where it means `ready`: both are there.
Response model_ready(const Engine& engine) {
  return {.body = io::json_text({{"name", engine.info().name}, {"ready", true}, {"live", true}}),
          .version = engine.info().version};
}

Response statistics(const Service::State& state, const Engine& engine) {
  const Telemetry& telemetry = state.telemetry;
  const Value inference = {{"success", duration(telemetry.total_us)},
                           {"fail", {{"count", int64_t(telemetry.failed)}, {"ns", 0}}},
                           {"queue", duration(telemetry.queue_us)},
                           {"compute_infer", duration(telemetry.compute_us)}};
  return {.body = io::json_text(
              {{"model_stats", Value::list({Value({{"name", engine.info().name},
                                                   {"version", engine.info().version},
                                                   {"inference_count", int64_t(telemetry.inferences)},
                                                   {"execution_count", telemetry.compute_us.count()},
                                                   {"inference_stats", inference}})})}})};
}

}  // namespace kiln::serve::routes
