#include <kiln/annotate/page/page.h>

namespace kiln::annotate {

// The colours and what all pages share are in serve/page/shared.cpp.
const char* const kStyle = R"css(
:root { --well: #e9e5de; --done: #2f7d4f; --skipped: #a4761b; --bad: #a8323e; }
@media (prefers-color-scheme: dark) { :root { --well: #0f0e0d; --done: #6cc08e; --skipped: #d9ab4d; --bad: #ec8089; } }
body { height: 100dvh; display: flex; flex-direction: column; }
header { display: flex; align-items: center; gap: .5rem 1rem; padding: .5rem 1rem; background: var(--card);
         border-bottom: 1px solid var(--line); }
h1 { font-size: 1.1rem; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; max-width: 16rem; }
#progress { display: flex; align-items: center; gap: .6rem; flex: 1; min-width: min-content; }
progress { appearance: none; width: 100%; max-width: 18rem; height: .5rem; border: 0; border-radius: .25rem; overflow: hidden;
           background: var(--line); }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--done); transition: width .2s; }
progress::-moz-progress-bar { background: var(--done); }
#tally { white-space: nowrap; font-variant-numeric: tabular-nums; }
#modes { display: flex; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: .4rem; overflow: hidden; }
#modes input { position: absolute; opacity: 0; }
#modes span { display: block; padding: .3rem .8rem; cursor: pointer; }
#modes :checked + span { background: var(--ink); color: var(--paper); }
#modes :focus-visible + span { outline: 3px solid var(--fire); outline-offset: -3px; }
input, select { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: .4rem;
                padding: .35rem .6rem; min-width: 0; }
#who { width: 9rem; }
#here { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; max-width: 14rem; }
#saved { min-width: 4.5rem; text-align: right; }
#saved.busy { color: var(--fire); }
header button { min-height: 2.1rem; padding: .1rem .75rem; }
#banner, .conflict { margin: 0; padding: .5rem 1rem; background: var(--fire); color: var(--paper); }
.conflict { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; border-bottom: 1px solid var(--paper); }
.conflict span { flex: 1 1 16rem; overflow-wrap: anywhere; }
.conflict button { color: var(--ink); }
main { flex: 1; min-height: 0; display: grid; grid-template: minmax(0, 1fr) auto / minmax(0, 1fr) 18rem; }
#stage-section { display: flex; flex-direction: column; min-width: 0; min-height: 0; }
#stage { position: relative; flex: 1; min-height: 0; overflow: hidden; background: var(--well); touch-action: none;
         user-select: none; -webkit-user-select: none; }
#stage.draws { cursor: crosshair; }
#stage.pans { cursor: grab; }
#sheet { position: absolute; background: var(--card); box-shadow: 0 1px 6px #0005; }
#sheet.loads { opacity: .55; }
#picture { display: block; width: 100%; height: 100%; image-orientation: none; }
#picture.near { image-rendering: pixelated; }
#boxes { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
#boxes rect.edge { fill: transparent; stroke-width: 2; vector-effect: non-scaling-stroke; }
#boxes rect.under { fill: none; stroke: #000a; stroke-width: 4; vector-effect: non-scaling-stroke; }
#boxes g.chosen rect.edge { fill: #fff2; stroke-width: 3; }
#boxes g:focus { outline: none; }
#boxes text { fill: #fff; font-family: system-ui, sans-serif; font-weight: 600; pointer-events: none; }
#boxes .handle { fill: #fff; stroke: #222; stroke-width: 1; vector-effect: non-scaling-stroke; }
#message { position: absolute; inset: 0; display: grid; place-content: center; text-align: center; padding: 2rem; font-size: 1.1rem;
           pointer-events: none; }
#message:empty { display: none; }
#zoom { position: absolute; right: .6rem; top: .6rem; display: flex; opacity: .85; }
#zoom button { min-height: 2.1rem; min-width: 2.1rem; padding: 0 .5rem; border-radius: 0; margin-left: -1px; }
#zoom button:first-child { border-radius: .4rem 0 0 .4rem; }
#zoom button:last-child { border-radius: 0 .4rem .4rem 0; }
#toast { position: absolute; left: 50%; bottom: 1rem; transform: translateX(-50%); margin: 0; padding: .45rem 1rem; border-radius: 2rem;
         background: var(--ink); color: var(--paper); max-width: 90%; }
#caption { display: flex; flex-wrap: wrap; align-items: center; gap: .2rem .75rem; padding: .45rem 1rem 0; background: var(--card);
           border-top: 1px solid var(--line); }
#caption strong { font-weight: 600; overflow-wrap: anywhere; min-width: 0; }
#where { font-variant-numeric: tabular-nums; }
.chip { padding: 0 .6rem; border-radius: 1rem; border: 1px solid var(--line); font-size: .9rem; white-space: nowrap; max-width: 100%;
        overflow: hidden; text-overflow: ellipsis; }
.chip.done { border-color: var(--done); color: var(--done); }
.chip.skipped { border-color: var(--skipped); color: var(--skipped); }
.chip.bad { border-color: var(--bad); color: var(--bad); }
#moves { margin: 0; padding: .45rem 1rem .6rem; background: var(--card); }
#moves button { min-height: 2.35rem; padding: .2rem .65rem; }
#moves .main { background: var(--ink); color: var(--paper); border-color: var(--ink); }
#moves .gap { flex: 1; }
#moves kbd { margin-left: .15rem; background: none; border-bottom-width: 1px; color: inherit; opacity: .65; border-color: currentcolor; }
#moves [aria-pressed=true] { border-color: var(--fire); box-shadow: inset 0 0 0 1px var(--fire); }
aside { grid-row: 1 / 3; grid-column: 2; overflow-y: auto; background: var(--card); border-left: 1px solid var(--line); }
aside section { padding: 1rem; border-bottom: 1px solid var(--line); }
aside h2 { margin-bottom: .5rem; }
#class-form { display: flex; gap: .4rem; margin-bottom: .5rem; }
#find { flex: 1; }
#class-form button { min-height: 0; padding: .2rem .7rem; }
ol { list-style: none; margin: 0; padding: 0; }
#classes button, #box-list .box { display: flex; align-items: center; gap: .6rem; width: 100%; text-align: left; padding: .3rem .5rem;
  min-height: 2.4rem; border-color: transparent; background: none; }
#classes button:hover, #box-list .box:hover { border-color: var(--line); background: var(--paper); }
#classes button[aria-pressed=true], #box-list .box[aria-pressed=true] { border-color: var(--colour); background: var(--paper); font-weight: 600; }
.dot { flex: none; width: .8rem; height: .8rem; border-radius: 50%; background: var(--colour); }
.label { flex: 1; min-width: 0; overflow-wrap: anywhere; }
.count { color: var(--quiet); font-variant-numeric: tabular-nums; font-weight: 400; }
kbd { font: .8rem ui-monospace, monospace; padding: .05rem .4rem; border: 1px solid var(--line); border-bottom-width: 2px; border-radius: .3rem;
      background: var(--paper); color: var(--quiet); }
#box-list li { display: flex; }
#box-list .remove { min-height: 0; padding: 0 .6rem; border-color: transparent; background: none; color: var(--quiet); }
#box-list .remove:hover { color: var(--fire); }
#strip { grid-column: 1; display: flex; align-items: stretch; background: var(--card); border-top: 1px solid var(--line); min-width: 0; }
#strip > label { padding: .5rem .25rem .5rem 1rem; display: grid; align-content: center; gap: .15rem; font-size: .9rem; }
#filter { max-width: 8rem; }
#film { flex: 1; min-width: 0; overflow-x: auto; overflow-y: hidden; scrollbar-width: thin; }
#frames { position: relative; height: 5.5rem; }
.frame { position: absolute; top: .4rem; width: 4.5rem; height: 4.4rem; min-height: 0; padding: 0; border-radius: .35rem; overflow: hidden;
         background: var(--well); border: 2px solid transparent; }
.frame img { width: 100%; height: 100%; object-fit: cover; display: block; }
.frame[aria-current=true] { border-color: var(--fire); box-shadow: 0 0 0 2px var(--fire); }
.frame i { position: absolute; left: 0; right: 0; bottom: 0; padding: 0 .25rem; font: 600 .7rem/1.3 system-ui, sans-serif; color: #fff;
           background: #000a; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; text-align: left; }
.frame i:empty { display: none; }
.frame::after { content: ""; position: absolute; right: .2rem; top: .2rem; width: .6rem; height: .6rem; border-radius: 50%; }
.frame.done::after, .frame.skipped::after, .frame.bad::after { border: 1.5px solid #fff; }
.frame.done::after { background: #2f7d4f; }
.frame.skipped::after { background: #d9a02f; }
.frame.bad::after { background: #c03543; }
.frame.broken { display: grid; place-content: center; color: var(--quiet); font-size: .75rem; }
dialog { color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; max-width: 34rem; padding: 1.25rem 1.5rem; }
dialog::backdrop { background: #0007; }
dialog dl { display: grid; grid-template-columns: auto 1fr; gap: .35rem 1rem; margin: 0 0 1rem; }
dialog dd { margin: 0; }
dialog dt { white-space: nowrap; }
dialog label { display: grid; gap: .3rem; }
a { color: var(--fire); }
@media (max-width: 60rem) { #here { display: none; } #progress progress { display: none; } }
@media (max-width: 52rem) {
  body { height: auto; min-height: 100dvh; }
  header { flex-wrap: wrap; padding: .4rem .75rem; gap: .4rem .6rem; }
  h1 { max-width: 40vw; }
  #modes { order: 1; }
  #who-label { order: 1; flex: 1; }
  #who { width: 100%; }
  #saved { min-width: 0; }
  main { display: flex; flex-direction: column; }
  #stage-section { display: contents; }
  #stage { flex: none; height: 46dvh; }
  #stage.pans:not(.zoomed) { touch-action: pan-y; }
  #caption, #moves { padding-left: .75rem; padding-right: .75rem; }
  #caption { order: 1; padding-bottom: .45rem; }
  aside { order: 2; border-left: 0; border-top: 1px solid var(--line); }
  aside section { padding: .6rem .75rem; }
  aside h2 { display: none; }
  aside section:first-child { display: flex; flex-direction: column-reverse; gap: .6rem; }
  #class-form { margin: 0; }
  #classes { display: flex; flex-wrap: wrap; gap: .4rem; }
  #classes button { min-height: 2.75rem; padding: .3rem .8rem; border-color: var(--line); background: var(--paper); width: auto; }
  #box-list .box { min-height: 2.75rem; }
  #moves { order: 3; position: sticky; bottom: 0; z-index: 1; flex-wrap: nowrap; overflow-x: auto; padding-top: .5rem; padding-bottom: .5rem;
           border-top: 1px solid var(--line); scrollbar-width: none; }
  #moves .word, #moves .gap { display: none; }
  #moves button { min-height: 2.75rem; flex: none; }
  #moves #next-todo { flex: 1 0 auto; }
  #strip { order: 4; }
}
@media (max-width: 52rem), (pointer: coarse) { main kbd { display: none; } }
@media (max-width: 52rem), (pointer: coarse) { #stage:not(.zoomed) #zoom { display: none; } }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
)css";

}  // namespace kiln::annotate
