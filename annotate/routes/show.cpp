#include <kiln/annotate/routes/state.h>
#include <kiln/serve/routes/http_error.h>
#include <kiln/serve/routes/ranges.h>

namespace kiln::annotate::routes {
namespace {

constexpr serve::Range kSize = {"size", 16, 8192};

}  // namespace

serve::Response show(Annotator::State& state, const std::string& id, const serve::Request& request) {
  const std::optional<Picture> picture = state.book.find(id);
  if (!picture) serve::refuse(404, "there is no such picture");
  constexpr int64_t kUsual = 1600;
  const std::string size = request.parameter("size");
  const int64_t most = size.empty() ? kUsual : serve::number_in_range(kSize, size);
  try {
    const auto shown = state.gallery.shown(picture->image.path, most);
    return {.type = shown->type,
            .body = shown->bytes,
            .fields = {{"Cache-Control", "private, max-age=600"},
                       {"X-Content-Type-Options", "nosniff"},
                       {"Cross-Origin-Resource-Policy", "same-origin"}}};
  } catch (const Unreadable& error) {
    serve::refuse(422, "the picture cannot be shown: {}", error.what());
  }
}

}  // namespace kiln::annotate::routes
