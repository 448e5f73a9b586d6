#include <kiln/annotate/page/page.h>

namespace kiln::annotate {

const char* const kScriptOfLists = R"js(
let visible = [];  // places in the list that the filter shows

function showLists() {
  showClasses();
  showBoxList();
}

function isPressed(name, i) {
  if (mode() === "classes") return !!open && open.labels.includes(name);
  return chosen >= 0 && open ? open.boxes[chosen]?.label === name : i === brush;
}

function showClasses() {
  const wanted = $("find").value.trim().toLowerCase();
  const counts = {};
  for (const {labels} of list) for (const name of labels) counts[name] = (counts[name] || 0) + 1;
  $("add").hidden = !wanted || set.classes.some(name => name.toLowerCase() === wanted);
  $("classes").replaceChildren(...set.classes.flatMap((name, i) => {
    if (wanted && !name.toLowerCase().includes(wanted)) return [];
    const button = make("button", undefined, {type: "button", "aria-pressed": isPressed(name, i), "data-class": name});
    button.style.setProperty("--colour", colour(name));
    button.append(make("span", undefined, {class: "dot"}), make("span", name, {class: "label"}));
    if (mode() === "classes") button.append(make("span", counts[name] || "", {class: "count"}));
    if (i < 9) button.append(make("kbd", i + 1));
    button.onclick = event => useClass(i, event.shiftKey);
    const item = make("li");
    item.append(button);
    return [item];
  }));
}

function showBoxList() {
  const boxes = open?.boxes || [];
  $("boxes-section").hidden = mode() !== "boxes" && !boxes.length;
  $("no-boxes").hidden = boxes.length > 0;
  $("box-list").replaceChildren(...boxes.map((box, i) => {
    const item = make("li"), button = make("button", undefined, {type: "button", class: "box", "aria-pressed": i === chosen});
    button.style.setProperty("--colour", colour(box.label));
    const [, , width, height] = box.box.map(x => Math.round(x));
    button.append(make("span", undefined, {class: "dot"}), make("span", box.label, {class: "label"}),
                  make("span", `${width} \u00d7 ${height}`, {class: "count"}));
    button.setAttribute("aria-label", spoken(box, i));
    button.onclick = () => { setMode("boxes"); choose(i); };
    const remove = make("button", "\u00d7", {type: "button", class: "remove", "aria-label": `Remove box ${i + 1}, ${box.label}`});
    remove.onclick = () => removeBox(i);
    item.append(button, remove);
    return item;
  }));
}

// A class's key or button: of the picture, of the chosen box, or of the boxes to come.
function useClass(i, isMore) {
  const name = set.classes[i];
  if (name === undefined) return toast(`There is no class ${i + 1}`);
  if (mode() === "boxes") {
    brush = i;
    if (chosen >= 0 && open.boxes[chosen].label !== name) edit({boxes: withBox(chosen, {...open.boxes[chosen], label: name})});
    showLists();
    $("say").textContent = name;
    return;
  }
  if (!open) return;
  if (!isMore) {
    edit({labels: [name], mark: "done"});
    $("say").textContent = name;
    return void goOn();
  }
  const has = open.labels.includes(name);
  edit({labels: has ? open.labels.filter(one => one !== name) : [...open.labels, name]});
}

async function addClass(name) {
  try {
    set.classes = (await tell("POST", "api/classes", {name})).classes;
    $("find").value = "";
    $("find").blur();
    brush = set.classes.indexOf(name);
    showFilter();
    showLists();
    toast(`Class ${name} added`);
  } catch (error) {
    toast(error.message);
  }
}
$("find").oninput = showClasses;
$("class-form").onsubmit = event => {
  event.preventDefault();
  const name = $("find").value.trim(), first = $("classes").querySelector("button");
  if (!name) return;
  const same = set.classes.findIndex(one => one.toLowerCase() === name.toLowerCase());
  if (same < 0 && (!first || document.activeElement === $("add"))) return void addClass(name);
  const i = same >= 0 ? same : set.classes.indexOf(first.dataset.class);
  $("find").value = "";
  $("find").blur();
  showClasses();
  useClass(i, false);
};
$("add").onclick = event => { event.preventDefault(); addClass($("find").value.trim()); };

function showFilter() {
  const before = $("filter").value || "all";
  const options = [["all", "all"], ["todo", "unlabelled"], ["done", "done"], ["skipped", "skipped"], ["bad", "bad"], ["boxes", "with boxes"],
                   ...set.classes.map(name => ["class:" + name, name])];
  $("filter").replaceChildren(...options.map(([value, text]) => make("option", text, {value})));
  $("filter").value = options.some(([value]) => value === before) ? before : "all";
}
const passes = (picture, filter) => filter === "all" || filter === picture.mark || (filter === "boxes" && picture.boxes > 0) ||
  (filter.startsWith("class:") && picture.labels.includes(filter.slice(6)));
function filterList() {
  const filter = $("filter").value || "all";
  visible = [...list.keys()].filter(i => passes(list[i], filter));
  frames.clear();
  $("frames").replaceChildren();
  showFilm(true);
}
$("filter").onchange = () => {
  filterList();
  if (visible.length && !visible.includes(at)) show(visible[0]);
  $("filter").blur();
};

// Only the frames that are seen are there.
const frames = new Map();
const step = 80;
function showFilm(isCentred) {
  const film = $("film"), here = visible.indexOf(at);
  $("frames").style.width = visible.length * step + 8 + "px";
  if (isCentred && here >= 0) film.scrollLeft = here * step - film.clientWidth / 2 + step / 2;
  const first = Math.max(0, Math.floor(film.scrollLeft / step) - 3), last = first + Math.ceil(film.clientWidth / step) + 6;
  const wanted = new Set(visible.slice(first, last));
  for (const [i, node] of frames) if (!wanted.has(i)) { node.remove(); frames.delete(i); }
  for (let place = first; place < Math.min(last, visible.length); ++place) {
    const i = visible[place];
    if (!frames.has(i)) frames.set(i, newFrame(i));
    const node = frames.get(i);
    node.style.left = place * step + 4 + "px";
    showFrame(node, i);
    if (!node.isConnected) $("frames").append(node);
  }
}
function newFrame(i) {
  const button = make("button", undefined, {type: "button", class: "frame"});
  const picture = make("img", undefined, {alt: "", loading: "lazy", src: address(list[i].id, 160), draggable: "false"});
  picture.onerror = () => { picture.replaceWith("not shown"); button.dataset.broken = "1"; showFrame(button, i); };
  button.append(picture, make("i"));
  button.onclick = () => show(i);
  return button;
}
function showFrame(button, i) {
  const picture = list[i], text = describe(picture);
  button.className = "frame " + picture.mark + (button.dataset.broken ? " broken" : "");
  button.querySelector("i").textContent = picture.mark === "done" ? text : "";
  button.setAttribute("aria-label", `${picture.name}, ${text || "unlabelled"}`);
  button.title = `${picture.name}\n${text || "unlabelled"}${picture.who ? " (" + picture.who + ")" : ""}`;
  button.setAttribute("aria-current", i === at);
}
$("film").onscroll = () => showFilm(false);

function showTally() {
  const tally = {todo: 0, done: 0, skipped: 0, bad: 0};
  for (const {mark} of list) ++tally[mark];
  const looked = list.length - tally.todo;
  $("bar").max = Math.max(1, list.length);
  $("bar").value = looked;
  $("tally").textContent = `${looked} of ${list.length}`;
  $("progress").title = `${tally.done} done, ${tally.skipped} skipped, ${tally.bad} bad, ${tally.todo} left`;
}
)js";

}  // namespace kiln::annotate
