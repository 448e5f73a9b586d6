#pragma once

#include <string>
#include <string_view>

namespace kiln::fuzz {

// Gives the bytes to a server's reader of requests, as one piece and in pieces, and each request that it
// makes of them to the routes. Both ways must give the same requests; a route must answer, or throw an
// HttpError of reasonable length. Returns what is wrong, or "".
std::string problem_of_requests(std::string_view bytes);

}  // namespace kiln::fuzz
