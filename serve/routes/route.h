#pragma once

// Internal.

#include <kiln/serve/http/message.h>
#include <kiln/serve/routes/service.h>

namespace kiln::serve::routes {

// Finds what a path means, and answers, or lets a worker do so. Throws HttpError.
void route(Service::State& state, Request request, const Reply& reply);

}  // namespace kiln::serve::routes
