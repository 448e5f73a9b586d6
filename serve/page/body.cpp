#include <kiln/serve/page/pieces.h>

namespace kiln::serve {

const char* const kPageHead = R"(<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kiln</title>
)";
const char* const kPageStyle = "";
const char* const kPageBody = "<body>\n";
const char* const kPageScript = "";

}  // namespace kiln::serve
