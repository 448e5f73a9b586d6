#pragma once

// Internal: the page on which people label.

#include <string>

namespace kiln::annotate {

// One HTML file that loads nothing from elsewhere.
const std::string& page_text();

extern const char* const kBody;
extern const char* const kStyle;
extern const char* const kScriptOfSet;    // what is known, and what is on its way to the server
extern const char* const kScriptOfStage;  // the picture, where it lies in the window, and its boxes as drawn
extern const char* const kScriptOfBoxes;  // the mouse, fingers and keys that draw and move them
extern const char* const kScriptOfLists;  // classes, boxes, the strip of pictures
extern const char* const kScriptOfPage;   // going from picture to picture, keys, news

}  // namespace kiln::annotate
