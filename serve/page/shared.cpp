#include <kiln/serve/page/pieces.h>

// What all pages share.

namespace kiln::serve {

const char* const kSharedStyle = R"(
:root { --ink: #1d1b19; --paper: #faf8f5; --card: #fff; --line: #d9d4cc; --quiet: #67615a; --fire: #b8430f; --bar: #e8a27c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ece8e2; --paper: #191715; --card: #24211e; --line: #3d3833; --quiet: #a79f95; --fire: #ff9459; --bar: #84431f; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 .75rem; font-size: 1.05rem; }
.quiet { margin: 0; color: var(--quiet); overflow-wrap: anywhere; }
[hidden] { display: none !important; }
.out-of-sight { position: absolute; width: 1px; height: 1px; opacity: 0; }
.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin-top: .75rem; }
button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: .4rem;
         padding: .5rem .9rem; min-height: 2.75rem; cursor: pointer; }
button:hover { border-color: var(--fire); }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 3px solid var(--fire); outline-offset: 2px; }
.check { display: inline-flex; gap: .4rem; align-items: center; min-height: 2.75rem; }
input[type=password] { font: inherit; padding: .5rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--paper);
                       color: inherit; width: 100%; }
.error { color: var(--fire); }
code { font-size: .95em; }
)";

const char* const kSharedScript = R"("use strict";
const $ = id => document.getElementById(id);
const make = (tag, text, attributes = {}) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
// What is thrown has the answer's status and body; of a server that is not there, neither.
async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  const body = await answer.json().catch(() => ({error: "the server's answer cannot be read"}));
  if (!answer.ok) throw Object.assign(new Error(body.error || answer.statusText), {status: answer.status, body});
  return body;
}
)";

}  // namespace kiln::serve
