#include <kiln/serve/page/pieces.h>

namespace kiln::serve {

const char* const kPageStyle = R"(
header, main { max-width: 64rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; }
main { display: grid; gap: 1rem; grid-template-columns: 1fr 1fr; padding-top: 1rem; padding-bottom: 2rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0; }
@media (max-width: 44rem) { main { grid-template-columns: 1fr; } }
#drop { display: grid; place-items: center; position: relative; min-height: 14rem; border: 2px dashed var(--line);
        border-radius: .5rem; text-align: center; overflow: hidden; cursor: pointer; }
#drop.over, .out-of-sight:focus-visible ~ .row #choose { border-color: var(--fire); }
#drop img, #drop video { max-width: 100%; max-height: 22rem; display: block; }
#drop canvas { position: absolute; opacity: .55; pointer-events: none; }
#rollback-form { display: grid; gap: .5rem; justify-items: start; }
#token-label { width: 100%; }
#rollback-answer { margin: 0; }
#hint { padding: 1rem; color: var(--quiet); }
#answer ol, #history { list-style: none; margin: 0; padding: 0; }
#answer li { position: relative; padding: .45rem .6rem; margin-bottom: .35rem; border-radius: .3rem; display: flex;
             justify-content: space-between; gap: 1rem; overflow: hidden; }
#answer li span { position: relative; overflow-wrap: anywhere; }
#answer li span:last-child { font-variant-numeric: tabular-nums; white-space: nowrap; }
#answer li i { position: absolute; inset: 0 auto 0 0; background: var(--bar); border-radius: .3rem; }
#answer li:first-child { font-weight: 600; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
#history li { padding: .5rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
#history { margin-top: .75rem; max-height: 20rem; overflow-y: auto; }
)";

}  // namespace kiln::serve
