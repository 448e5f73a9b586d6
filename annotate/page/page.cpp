#include <kiln/annotate/page/page.h>

#include <kiln/serve/page/pieces.h>

namespace kiln::annotate {

const std::string& page_text() {
  static const std::string text = serve::page_around(
      "Kiln annotate", kStyle, kBody,
      std::string(kScriptOfSet) + kScriptOfStage + kScriptOfBoxes + kScriptOfLists + kScriptOfPage);
  return text;
}

}  // namespace kiln::annotate
