#include <kiln/annotate/page/page.h>

namespace kiln::annotate {

const char* const kScriptOfPage = R"js(
let showing = 0, ahead = null;  // what comes after a picture: {behind, id}

const ago = when => {
  const seconds = (Date.now() - Date.parse(when)) / 1000;
  if (!(seconds >= 0)) return "";
  if (seconds < 60) return "just now";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min ago";
  return seconds < 86400 ? Math.floor(seconds / 3600) + " h ago" : new Date(when).toLocaleDateString();
};

// Another picture, by its place in the list.
async function show(i) {
  if (!list[i]) return;
  settleNudge();
  const number = ++showing, {id, name} = list[i], isOther = i !== at;
  at = i;
  chosen = -1;
  history.replaceState(null, "", "#" + id);
  if (isOther) image.style.visibility = "hidden";
  open = known.get(id) || null;
  if (open) arrive();
  showCaption();
  showFilm(isOther);
  followFrom(id);
  try {
    const whole = await wholeOf(id);
    if (number !== showing) return;
    const isNew = open !== whole;
    open = whole;
    if (isNew) arrive();
    $("say").textContent = `Picture ${i + 1} of ${list.length}, ${name}, ${describe(open) || "unlabelled"}`;
  } catch (error) {
    if (number !== showing) return;
    if (error.status === 401) return void login().then(() => show(i));
    $("message").textContent = "The picture cannot be fetched: " + error.message;
  }
}

// Its size is known.
function arrive() {
  const cannot = open.problem || (open.width ? "" : "its size is not known");
  sheet.hidden = !!cannot;
  $("message").textContent = cannot ? `This picture cannot be shown: ${cannot}. Press x for a bad picture.` : "";
  image.alt = open.name;
  if (!cannot && !(image.getAttribute("src") || "").startsWith(`api/picture/${open.id}?`)) source(open.id, 1600);
  else if (!cannot && image.complete) image.style.visibility = "";
  fit();
  showPicture();
}
image.onload = () => { image.style.visibility = ""; };
image.onerror = async () => {
  if (!open || image.dataset.size === "1601") return;
  const picture = open, answer = await fetch(address(picture.id, 1600)).catch(() => null);
  if (answer?.ok) return void (picture === open && source(picture.id, 1601));
  const why = await answer?.json().catch(() => null);
  picture.problem = (why?.error || "the server does not answer").replace("the picture cannot be shown: ", "");
  if (picture === open) arrive();
};

function showPicture() {
  showCaption();
  showLists();
  showTally();
  if (open && open.width) drawBoxes();
  for (const [i, node] of frames) showFrame(node, i);
}

function showCaption() {
  const entry = list[at];
  if (!entry) return;
  $("where").textContent = `${at + 1} / ${list.length}`;
  $("file").textContent = entry.name;
  $("state").textContent = describe(entry) || "unlabelled";
  $("state").className = "chip " + entry.mark;
  const by = entry.when && entry.mark !== "todo" ? [entry.who, ago(entry.when)].filter(Boolean).join(", ") : "";
  $("size").textContent = [open?.width ? `${open.width} \u00d7 ${open.height}` : "", by].filter(Boolean).join(" \u00b7 ");
  for (const [id, mark] of [["skip", "skipped"], ["bad", "bad"]]) $(id).setAttribute("aria-pressed", entry.mark === mark);
}

function move(by) {
  const here = visible.indexOf(at);
  const next = here >= 0 ? visible[here + by]
             : by > 0 ? visible.find(i => i > at) : visible.findLast(i => i < at);
  if (next === undefined) return toast(by > 0 ? "This is the last picture" : "This is the first picture");
  show(next);
}

// To the next picture that nobody has looked at. The server knows which ones others are at.
async function goOn() {
  settleNudge();
  if (!["all", "todo"].includes($("filter").value)) return move(1);  // what somebody looks through is another order
  const behind = list[at]?.id ?? "";
  const guess = ahead?.behind === behind && list[places.get(ahead.id)].mark === "todo" ? ahead.id : null;
  ahead = null;
  if (guess) show(places.get(guess));
  try {
    const next = await tell("POST", "api/next", {behind});
    const id = next.id && list[places.get(next.id)].mark === "todo" ? next.id : localTodo();
    if (!guess && id === null) return void (await allDone());
    if (!guess) await show(places.get(id));
    if (next.id !== list[at].id || !next.ahead) return;
    ahead = {behind: next.id, id: next.ahead};
    prefetch(next.ahead);
  } catch (error) {
    if (error.status === 401) return void login().then(goOn);
    const id = guess ? null : localTodo();
    if (id) show(places.get(id));
  }
}
// What the server does not know yet is on its way.
function localTodo() {
  for (let k = 1; k <= list.length; ++k) {
    const one = list[(Math.max(at, 0) + k) % list.length];
    if (one.mark === "todo" && one.id !== list[at]?.id) return one.id;
  }
  return null;
}
async function allDone() {
  if (at < 0) await show(0);
  const isLast = list[at]?.mark === "todo";
  toast(isLast ? "This is the last unlabelled picture" : "All pictures are done");
}
function prefetch(id) {
  wholeOf(id).catch(() => {});
  new Image().src = address(id, 1600);
}

function markAs(mark) {
  if (!open) return;
  edit({mark: open.mark === mark ? (open.labels.length || open.boxes.length ? "done" : "todo") : mark});
  if (open.mark === mark) goOn();
}
function nothingToSee() {
  if (!open) return;
  if (open.boxes.length || open.labels.length) return toast("There are labels; Del removes them");
  edit({mark: "done"});
  goOn();
}
function remove() {
  if (!open) return;
  if (chosen >= 0) return removeBox(chosen);
  if (open.mark === "todo") return;
  edit({labels: [], mark: open.boxes.length ? "done" : "todo"});
  toast("Labels removed");
}

let stepping = null;  // news wait for the answer, which is no news
async function undo(way) {
  settleNudge();
  await flushed();
  let done = null;
  stepping = new Promise(end => { done = end; });
  try {
    const {picture} = await tell("POST", "api/" + way);
    if (!picture) return toast(way === "undo" ? "Nothing to undo" : "Nothing to redo");
    learn(picture);
    await show(places.get(picture.id));
    showPicture();
    toast(`${way === "undo" ? "Undone" : "Done again"}: ${describe(picture) || "unlabelled"}`);
  } catch (error) {
    if (error.status === 401) return void login().then(() => undo(way));
    if (error.body?.picture) learn(error.body.picture);
    toast(error.message);
  } finally {
    done();
  }
}

function setMode(name) {
  document.querySelector(`#modes [value=${name}]`).checked = true;
  store(localStorage, "kiln-mode " + set.name, name);
  stage.classList.toggle("draws", name === "boxes");
  stage.classList.toggle("pans", name === "classes");
  if (name === "classes") choose(-1);
  showLists();
  if (open && open.width) drawBoxes();
}
document.querySelectorAll("#modes input").forEach(input => { input.onchange = () => setMode(input.value); });

function newBox() {
  setMode("boxes");
  if (!canEdit() || needsClass()) return;
  addBox(boxBetween({x: open.width * .35, y: open.height * .35}, {x: open.width * .65, y: open.height * .65}));
}

const keys = {
  ArrowLeft: () => move(-1), ArrowRight: () => move(1), Enter: goOn, u: () => undo("undo"), r: () => undo("redo"),
  s: () => markAs("skipped"), x: () => markAs("bad"), b: () => setMode(mode() === "boxes" ? "classes" : "boxes"),
  n: newBox, e: () => open?.boxes.length && (setMode("boxes"), choose((chosen + 1) % open.boxes.length)),
  Delete: remove, Backspace: remove, Escape: () => choose(-1), "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(.8),
  f: fit, "/": () => $("find").focus(), "?": () => $("help").showModal(), 0: nothingToSee
};
const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
addEventListener("keydown", event => {
  const target = event.target;
  if (document.querySelector("dialog[open]") || event.isComposing) return;
  if (target.matches("input:not([type=radio]), select")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  if ((event.ctrlKey || event.metaKey) && !event.altKey) {
    const way = {z: event.shiftKey ? "redo" : "undo", y: "redo"}[event.key.toLowerCase()];
    if (way) { event.preventDefault(); undo(way); }
    return;
  }
  if (event.altKey || (event.key === "Enter" && target.closest("button, a"))) return;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
  if (digit && (event.shiftKey || event.key === digit[1])) {
    event.preventDefault();
    return useClass(digit[1] - 1, event.shiftKey);
  }
  if (event.key === " " && target === document.body) isSpaceHeld = true;
  else if (chosen >= 0 && arrows[event.key]) nudgeBox(...arrows[event.key].map(x => x * (event.repeat ? 3 : 1)), event.shiftKey);
  else if (target.type === "radio" && event.key.startsWith("Arrow")) return;
  else if (keys[event.key] || keys[event.key.toLowerCase()]) (keys[event.key] || keys[event.key.toLowerCase()])();
  else return;
  event.preventDefault();
});
addEventListener("keyup", event => { if (event.key === " ") isSpaceHeld = false; });
// A button that was clicked does not keep the keys.
addEventListener("click", event => { if (event.detail) event.target.closest?.("button, #modes label, #modes input")?.blur?.(); });
addEventListener("click", event => { if (event.detail && event.target.closest?.("#modes")) document.activeElement.blur(); });
for (const [id, action] of Object.entries({previous: () => move(-1), next: () => move(1), "next-todo": goOn, undo: () => undo("undo"),
                                           redo: () => undo("redo"), skip: () => markAs("skipped"), bad: () => markAs("bad"),
                                           nothing: nothingToSee, "zoom-in": () => zoom(1.25), "zoom-out": () => zoom(.8), fit,
                                           "help-button": () => $("help").showModal()})) $(id).onclick = action;
new ResizeObserver(() => { if (view.isFitted) fit(); else place(); showFilm(false); }).observe(stage);
$("who").onchange = () => { store(localStorage, "kiln-who", who()); followFrom(list[at]?.id); };
$("who").onkeydown = event => { if (event.key === "Enter") $("who").blur(); };

// What others do.
let aborter = null, followed = null, isFollowing = false;
function followFrom(id) {
  if (id === followed) return;
  followed = id;
  aborter?.abort();
}
async function follow() {
  if (isFollowing) return;
  isFollowing = true;
  for (;;) {
    const begin = performance.now();
    try {
      aborter = new AbortController();
      const query = new URLSearchParams({since: set.number, count: set.count, wait: 25, who: who(), picture: list[at]?.id ?? "", client});
      await hear(await ask("api/news?" + query, {signal: aborter.signal}));
      if (!pending.size) banner("");
    } catch (error) {
      if (error.status === 401) await login();
      else if (error.name !== "AbortError") {
        if (!pending.size) banner("The server does not answer. Trying again ...");
        await sleep(2000);
      }
    }
    await sleep(Math.max(0, 150 - (performance.now() - begin)));
  }
}
async function hear(news) {
  await stepping;
  if (news.run !== set.run) return begin();
  if (news.trouble) banner("The labels file cannot be written; every change is safe in the journal beside it.");
  const isGrown = news.classes.length !== set.classes.length;
  Object.assign(set, {number: news.number, count: news.count, classes: news.classes});
  let isOther = isGrown;
  for (const picture of news.pictures) {
    const entry = list[places.get(picture.id)];
    if (!entry || pending.has(picture.id) || entry.revision >= picture.revision) continue;
    Object.assign(entry, picture);
    isOther = true;
    if (!known.delete(picture.id) || open?.id !== picture.id) continue;
    toast(`${picture.who || "Somebody"} has changed this picture`);
    const number = showing, whole = await wholeOf(picture.id);
    if (number === showing) { open = whole; chosen = -1; }
  }
  const names = news.here.map(({who, picture}) => (who || "somebody") + (picture === list[at]?.id ? " (here too)" : ""));
  $("here").textContent = names.length ? "with " + names.join(", ") : "";
  $("here").title = $("here").textContent;
  if (isGrown) showFilter();
  if (isOther) showPicture();
}

// At the beginning, and when the server was started again.
async function begin() {
  try {
    const about = await ask("api"), pictures = await ask("api/pictures");
    set = about;
    list = pictures;
  } catch (error) {
    if (error.status === 401) return login().then(begin);
    $("message").textContent = error.message;
    await sleep(2000);
    return begin();
  }
  places.clear();
  known.clear();
  list.forEach((picture, i) => places.set(picture.id, i));
  $("name").textContent = set.name;
  document.title = set.name + " - Kiln annotate";
  showFilter();
  filterList();
  showTally();
  if (!list.length) {
    $("message").textContent = "There are no pictures in this folder.";
    return follow();
  }
  const asked = places.get(location.hash.slice(1));
  setMode(stored(localStorage, "kiln-mode " + set.name) || (set.draws_boxes ? "boxes" : "classes"));
  if (asked !== undefined) await show(asked); else await goOn();
  if (!set.classes.length) { $("find").focus(); toast("Add the first class"); }
  follow();
}
$("who").value = stored(localStorage, "kiln-who") || "";
begin();
)js";

}  // namespace kiln::annotate
