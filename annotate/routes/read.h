#pragma once

// Internal: what requests say.

#include <string>

#include <kiln/annotate/labels/book.h>
#include <kiln/serve/http/message.h>
#include <kiln/tensor/value/value.h>

// All of them throw HttpError.

namespace kiln::annotate::routes {

// An object.
Value body_of(const serve::Request& request);
// "" where there is none. Text of a line, of so many bytes at most.
std::string text_in(const Value& body, const char* key, size_t longest);
// A name for people, without what could be taken for another.
std::string name_in(const Value& body, const char* key, size_t longest);
Author author_in(const Value& body);
// Checked against the classes and the picture's size.
Work work_in(const Value& body, const Picture& picture, const std::vector<std::string>& classes);

}  // namespace kiln::annotate::routes
