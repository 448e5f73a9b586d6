#include <kiln/annotate/page/page.h>

namespace kiln::annotate {

// Boxes are in pixels of the picture; `view` says where those are in the window.
const char* const kScriptOfStage = R"js(
const stage = $("stage"), sheet = $("sheet"), image = $("picture"), layer = $("boxes");
const view = {scale: 1, x: 0, y: 0, isFitted: true};
const mode = () => document.querySelector("#modes :checked").value;
let chosen = -1, brush = 0, drawn = null;  // a box by its place; the class of new ones; the one that is being drawn

const hues = [12, 210, 130, 280, 45, 330, 180, 80, 245];
const colour = name => {
  const i = Math.max(0, set.classes.indexOf(name));
  const hue = i < hues.length ? hues[i] : (i * 137.5) % 360;
  return `hsl(${hue} 72% 45%)`;
};
const svg = (tag, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};

function fit() {
  if (!open || !open.width) return;
  const margin = stage.clientWidth > 600 ? 16 : 4;
  view.scale = Math.min((stage.clientWidth - 2 * margin) / open.width, (stage.clientHeight - 2 * margin) / open.height, 40);
  view.x = (stage.clientWidth - view.scale * open.width) / 2;
  view.y = (stage.clientHeight - view.scale * open.height) / 2;
  view.isFitted = true;
  place();
}

function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  if (!open || !open.width) return;
  const least = Math.min(stage.clientWidth / open.width, stage.clientHeight / open.height, 1) / 2;
  const scale = Math.min(Math.max(view.scale * factor, least), 80);
  view.x = x - (x - view.x) * scale / view.scale;
  view.y = y - (y - view.y) * scale / view.scale;
  view.scale = scale;
  view.isFitted = false;
  keepInSight();
  place();
}

// A part of the picture stays in the window.
function keepInSight() {
  const rest = 60, limit = (x, size, room) => Math.min(Math.max(x, rest - size), room - rest);
  view.x = limit(view.x, view.scale * open.width, stage.clientWidth);
  view.y = limit(view.y, view.scale * open.height, stage.clientHeight);
}

function place() {
  if (!open || !open.width) return;
  Object.assign(sheet.style, {left: view.x + "px", top: view.y + "px", width: view.scale * open.width + "px",
                              height: view.scale * open.height + "px"});
  stage.classList.toggle("zoomed", !view.isFitted);
  image.classList.toggle("near", view.scale > 4);
  layer.setAttribute("viewBox", `0 0 ${open.width} ${open.height}`);
  drawBoxes();
  const longer = Math.max(open.width, open.height), wanted = view.scale * longer * devicePixelRatio;
  if (wanted > 1.3 * 1600 && longer > 1600) image.dataset.size === "1600" && source(open.id, 6000);
}

const address = (id, size) => `api/picture/${id}?size=${size}`;
function source(id, size) {
  image.dataset.size = size;
  image.src = address(id, size);
}

const inPicture = event => {
  const frame = stage.getBoundingClientRect();
  return {x: (event.clientX - frame.left - view.x) / view.scale, y: (event.clientY - frame.top - view.y) / view.scale};
};

const handles = [["nw", 0, 0], ["n", .5, 0], ["ne", 1, 0], ["e", 1, .5], ["se", 1, 1], ["s", .5, 1], ["sw", 0, 1], ["w", 0, .5]];
const cursors = {nw: "nwse", se: "nwse", ne: "nesw", sw: "nesw", n: "ns", s: "ns", e: "ew", w: "ew"};
const spoken = (box, i) => `Box ${i + 1} of ${open.boxes.length}: ${box.label}, ${Math.round(box.box[2])} by ` +
  `${Math.round(box.box[3])} at ${Math.round(box.box[0])}, ${Math.round(box.box[1])}`;

function drawBoxes() {
  const hadFocus = layer.contains(document.activeElement);
  const unit = 1 / view.scale;  // pixels of the picture in one of the window
  const groups = (open.boxes || []).map((box, i) => boxGroup(box, i, unit));
  if (drawn) groups.push(boxGroup({box: drawn, label: set.classes[brush]}, -1, unit));
  layer.replaceChildren(...groups);
  if (hadFocus && chosen >= 0) layer.children[chosen]?.focus();
}

function boxGroup(box, i, unit) {
  const [x, y, width, height] = box.box, isChosen = i === chosen && i >= 0;
  const group = svg("g", {class: isChosen ? "chosen" : "", "data-box": i});
  if (i >= 0) {
    for (const [name, value] of [["tabindex", mode() === "boxes" ? 0 : -1], ["role", "button"], ["aria-pressed", isChosen], ["aria-label", spoken(box, i)]])
      group.setAttribute(name, value);
    group.addEventListener("focus", () => { if (chosen !== i) choose(i); });
  }
  group.append(svg("rect", {class: "under", x, y, width, height}),
               svg("rect", {class: "edge", x, y, width, height, stroke: colour(box.label)}));
  const size = 12 * unit, name = box.label.length > 24 ? box.label.slice(0, 23) + "\u2026" : box.label;
  const top = y >= 1.5 * size ? y - 1.5 * size : y, plate = svg("rect", {x: x - unit, y: top, width: (name.length * .62 + .9) * size,
                                                                      height: 1.5 * size, fill: colour(box.label)});
  const text = svg("text", {x: x + .4 * size, y: top + 1.1 * size, "font-size": size});
  text.textContent = name;
  if (i >= 0) group.append(plate, text);
  if (isChosen && mode() === "boxes") {
    const side = (matchMedia("(pointer: coarse)").matches ? 18 : 9) * unit;
    for (const [name, right, down] of handles)
      group.append(svg("rect", {class: "handle", "data-handle": name, x: x + right * width - side / 2, y: y + down * height - side / 2,
                                width: side, height: side, style: `cursor: ${cursors[name]}-resize`}));
  }
  return group;
}

function choose(i) {
  if (i === chosen) return;
  settleNudge();
  chosen = i;
  drawBoxes();
  showLists();
}
)js";

}  // namespace kiln::annotate
