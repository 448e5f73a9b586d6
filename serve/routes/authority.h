#pragma once

// Internal: who may change what is served.

#include <string>
#include <string_view>

#include <kiln/serve/http/message.h>

namespace kiln::serve {

// Takes as long whatever differs.
bool is_equal_secret(std::string_view a, std::string_view b);

// Throws HttpError 415 for a body that is not said to be JSON. A form of another place's page cannot say so.
void check_json(const Request& request);

// Whether it comes from this machine: not what a proxy passes on, and no web page of another place that a
// browser here shows (it would have another Origin, or by DNS another Host).
bool is_of_this_machine(const Request& request);

// check_json(), and throws HttpError 401 or 403. With a token it is asked for, but by the socket in the file
// system. Without one, only this machine may.
void check_authority(const Request& request, const std::string& token);

// Of a file: its text without white space at the end. Throws Error when everybody may read it, or
// when it has less than 16 characters.
std::string read_token(const std::string& path);

}  // namespace kiln::serve
