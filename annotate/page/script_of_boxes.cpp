#include <kiln/annotate/page/page.h>

namespace kiln::annotate {

const char* const kScriptOfBoxes = R"js(
const pointers = new Map();
let drag = null, isSpaceHeld = false;
const clamp = (x, least, most) => Math.min(Math.max(x, least), most);
const canEdit = () => open && open.width && !open.problem;

// Between two corners, within the picture, in whole pixels; of a small picture in tenths.
function boxBetween(a, b) {
  const round = open.width * open.height < 40000 ? x => Math.round(10 * x) / 10 : Math.round;
  const x = [a.x, b.x].map(x => round(clamp(x, 0, open.width))).sort((p, q) => p - q);
  const y = [a.y, b.y].map(y => round(clamp(y, 0, open.height))).sort((p, q) => p - q);
  return [x[0], y[0], round(x[1] - x[0]), round(y[1] - y[0])];
}
const corners = ([x, y, width, height]) => [{x, y}, {x: x + width, y: y + height}];

// Outlines and masks are of the box as it was.
const moved = (box, sides) => {
  const {polygons, mask, ...rest} = box;
  return {...rest, box: sides};
};
const withBox = (i, box) => open.boxes.map((one, k) => k === i ? box : one);

function edit(part) {
  if (!open) return;
  const work = {...workOf(open), ...part};
  if (!part.mark) work.mark = work.labels.length || work.boxes.length ? "done" : "todo";
  change(open, work);
  showPicture();
}

function addBox(sides) {
  const label = set.classes[brush];
  edit({boxes: [...open.boxes, {box: sides, label}]});
  choose(open.boxes.length - 1);
  $("say").textContent = spoken(open.boxes.at(-1), open.boxes.length - 1);
}

function removeBox(i) {
  settleNudge();
  chosen = -1;
  edit({boxes: open.boxes.filter((_, k) => k !== i)});
  toast("Box removed");
}

function needsClass() {
  if (set.classes.length) return false;
  toast("Add a class first");
  $("find").focus();
  return true;
}

function smallestAt({x, y}) {
  let best = -1, area = Infinity;
  open.boxes.forEach(({box}, i) => {
    const slack = 4 / view.scale;
    const isIn = x >= box[0] - slack && x <= box[0] + box[2] + slack && y >= box[1] - slack && y <= box[1] + box[3] + slack;
    if (isIn && box[2] * box[3] < area) [best, area] = [i, box[2] * box[3]];
  });
  return best;
}

stage.addEventListener("pointerdown", event => {
  if (event.target.closest("#zoom") || !open || !open.width) return;
  pointers.set(event.pointerId, {x: event.clientX, y: event.clientY});
  if (document.activeElement !== document.body && !layer.contains(document.activeElement)) document.activeElement.blur();
  if (pointers.size === 2) return beginPinch();
  if (pointers.size > 2) return;
  const begin = inPicture(event), handle = event.target.dataset.handle;
  const isPan = event.button === 1 || isSpaceHeld || mode() === "classes";
  if (event.button > 1 || (!isPan && !canEdit())) return;
  event.preventDefault();
  try { stage.setPointerCapture(event.pointerId); } catch { /* one that a test made up */ }
  const inChosen = chosen >= 0 && smallestAt(begin) >= 0 && contains(open.boxes[chosen].box, begin);
  drag = {kind: isPan ? "pan" : handle ? "size" : inChosen ? "move" : "draw", handle, begin, x: event.clientX, y: event.clientY,
          viewX: view.x, viewY: view.y, box: chosen >= 0 ? open.boxes[chosen].box : null, isMoved: false};
});
const contains = ([x, y, width, height], p) => p.x >= x && p.x <= x + width && p.y >= y && p.y <= y + height;

stage.addEventListener("pointermove", event => {
  if (pointers.has(event.pointerId)) pointers.set(event.pointerId, {x: event.clientX, y: event.clientY});
  if (drag?.kind === "pinch") return pinch();
  if (!drag) return;
  drag.isMoved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4;
  if (!drag.isMoved) return;
  const now = inPicture(event), dx = now.x - drag.begin.x, dy = now.y - drag.begin.y;
  if (drag.kind === "pan") {
    view.x = drag.viewX + event.clientX - drag.x;
    view.y = drag.viewY + event.clientY - drag.y;
    view.isFitted = false;
    keepInSight();
    return place();
  }
  drag.sides = drag.kind === "draw" ? boxBetween(drag.begin, now)
             : drag.kind === "move" ? shifted(drag.box, dx, dy) : resized(drag.box, drag.handle, dx, dy);
  if (drag.kind === "draw" && set.classes.length) drawn = drag.sides;
  if (drag.kind !== "draw") open.boxes = withBox(chosen, {...open.boxes[chosen], box: drag.sides});
  drawBoxes();
});

function shifted([x, y, width, height], dx, dy) {
  const left = clamp(x + dx, 0, Math.max(0, open.width - width)), top = clamp(y + dy, 0, Math.max(0, open.height - height));
  const sides = boxBetween({x: left, y: top}, {x: left + width, y: top + height});
  return [sides[0], sides[1], width, height];
}

function resized(box, handle, dx, dy) {
  const [a, b] = corners(box);
  if (handle.includes("w")) a.x += dx;
  if (handle.includes("e")) b.x += dx;
  if (handle.includes("n")) a.y += dy;
  if (handle.includes("s")) b.y += dy;
  return boxBetween(a, b);
}

function endDrag(event, isKept) {
  pointers.delete(event.pointerId);
  const done = drag;
  if (!done || (done.kind === "pinch" && pointers.size)) return;
  drag = drawn = null;
  const isBox = done.sides && done.sides[2] >= 1 && done.sides[3] >= 1;
  if (done.box && done.sides && done.kind !== "draw") open.boxes = withBox(chosen, {...open.boxes[chosen], box: done.box});
  if (!isKept || done.kind === "pan" || done.kind === "pinch") return drawBoxes();
  if (!done.isMoved) {
    drawBoxes();
    return choose(smallestAt(done.begin));
  }
  if (done.kind === "draw") {
    if (isBox && !needsClass()) addBox(done.sides);
  } else if (isBox && String(done.sides) !== String(done.box)) {
    edit({boxes: withBox(chosen, moved(open.boxes[chosen], done.sides))});
  }
  drawBoxes();
}
stage.addEventListener("pointerup", event => endDrag(event, true));
stage.addEventListener("pointercancel", event => endDrag(event, false));

// Two fingers.
function beginPinch() {
  const [a, b] = pointers.values();
  if (drag && drag.box && drag.sides) open.boxes = withBox(chosen, {...open.boxes[chosen], box: drag.box});
  drawn = null;
  drag = {kind: "pinch", distance: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2};
  drawBoxes();
}
function pinch() {
  if (pointers.size < 2) return;
  const [a, b] = pointers.values(), distance = Math.hypot(a.x - b.x, a.y - b.y), x = (a.x + b.x) / 2, y = (a.y + b.y) / 2;
  const frame = stage.getBoundingClientRect();
  view.x += x - drag.x;
  view.y += y - drag.y;
  zoom(distance / Math.max(1, drag.distance), x - frame.left, y - frame.top);
  Object.assign(drag, {distance, x, y});
}

stage.addEventListener("wheel", event => {
  event.preventDefault();
  const frame = stage.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? .05 : .0018)), event.clientX - frame.left, event.clientY - frame.top);
}, {passive: false});

// By arrows: seen at once, and sent as one change when the keys rest.
let nudge = null;
function nudgeBox(dx, dy, isSize) {
  const box = open.boxes[chosen];
  const sides = isSize ? resized(box.box, "se", dx, dy) : shifted(box.box, dx, dy);
  if (sides[2] < 1 || sides[3] < 1) return;
  open.boxes = withBox(chosen, moved(box, sides));
  clearTimeout(nudge?.timer);
  nudge = {id: open.id, boxes: open.boxes, timer: setTimeout(settleNudge, 400)};
  drawBoxes();
  showLists();
}
function settleNudge() {
  if (!nudge) return;
  const {id, boxes, timer} = nudge;
  clearTimeout(timer);
  nudge = null;
  if (known.has(id)) change(known.get(id), {...workOf(known.get(id)), boxes, mark: "done"});
}
)js";

}  // namespace kiln::annotate
