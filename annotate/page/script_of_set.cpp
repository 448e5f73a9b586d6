#include <kiln/annotate/page/page.h>

namespace kiln::annotate {

// A change is made here at once and sent in its turn. It names the revision that it was made on: what others
// have changed meanwhile is shown and asked about, never written over.
const char* const kScriptOfSet = R"js(
const sleep = ms => new Promise(done => setTimeout(done, ms));
const store = (where, key, value) => { try { where.setItem(key, value); } catch { /* a private window */ } };
const stored = (where, key) => { try { return where.getItem(key); } catch { return null; } };
const client = stored(sessionStorage, "kiln-client") ||
  Array.from({length: 4}, () => Math.floor(Math.random() * 0x10000).toString(16).padStart(4, "0")).join("");
store(sessionStorage, "kiln-client", client);

let set = {classes: [], number: 0, count: -1, run: ""};
let list = [];              // pictures as the strip shows them
const places = new Map();   // id -> place in the list
const known = new Map();    // id -> all of a picture, of those that were asked for
const pending = new Map();  // id -> a change that the server does not have yet: {base, work, isNew}
let at = -1, open = null;   // the picture that is shown: its place, and all of it when that is known
const who = () => $("who").value.trim();
const by = () => ({who: who(), client});
const tell = (method, path, body) =>
  ask(path, {method, headers: {"Content-Type": "application/json"}, body: JSON.stringify({...by(), ...body})});

const workOf = picture => ({mark: picture.mark, labels: picture.labels, boxes: picture.boxes});
const signature = ({mark, labels, boxes}) => JSON.stringify([mark, labels,
  boxes.map(b => [b.box, b.label, !!b.crowd, !!b.difficult, b.polygons || 0, b.mask || 0])]);

// What the server says of a picture.
function learn(picture) {
  if (!places.has(picture.id)) return;  // of before the server was started again
  picture.signature = signature(picture);
  if (nudge?.id === picture.id) picture.boxes = nudge.boxes;
  if (known.size > 300) known.clear();
  known.set(picture.id, picture);
  Object.assign(list[places.get(picture.id)], {...picture, boxes: picture.boxes.length});
  if (open && open.id === picture.id) open = picture;
}

async function wholeOf(id) {
  if (!known.has(id)) {
    const picture = await ask("api/labels/" + id);
    if (!known.has(id)) learn(picture);
  }
  return known.get(id);
}

function change(picture, work) {
  const waiting = pending.get(picture.id);
  pending.set(picture.id, {base: waiting ? waiting.base : picture.revision, from: waiting ? waiting.from : picture.signature,
                           sent: waiting && waiting.sent, work, isNew: true});
  Object.assign(picture, work);
  Object.assign(list[places.get(picture.id)], {mark: work.mark, labels: work.labels, boxes: work.boxes.length, who: who()});
  send();
}

let isSending = false;
async function send() {
  showSaved();
  if (isSending) return;
  isSending = true;
  for (let pause = 250; pending.size;) {
    const [id, one] = pending.entries().next().value;
    one.isNew = false;
    one.sent = signature(one.work);
    try {
      const {picture} = await tell("PUT", "api/labels/" + id, {revision: one.base, ...one.work});
      settle(picture, one);
      banner("");
      pause = 250;
    } catch (error) {
      if (error.status === 409) disagree(error.body.picture, one);
      else if (error.status === 401) await login();
      else if (!error.status || error.status >= 500) {
        banner(`${pending.size === 1 ? "One change is" : pending.size + " changes are"} not saved yet: ` +
               (error.status ? error.message : "the server does not answer") + ". Trying again ...");
        await sleep(pause = Math.min(2 * pause, 5000));
      } else {
        pending.delete(id);
        known.delete(id);
        banner("A change was refused: " + error.message);
        if (open && open.id === id) show(at);
      }
    }
    showSaved();
  }
  isSending = false;
}

// The server has the change. One that was made meanwhile is based on it.
function settle(picture, one) {
  const newer = pending.get(picture.id);
  if (newer && newer.isNew) {
    Object.assign(newer, {base: picture.revision, from: signature(picture)});
    return;
  }
  pending.delete(picture.id);
  const problem = known.get(picture.id)?.problem;
  learn(problem ? {...picture, problem} : picture);
  showPicture();
}

function disagree(theirs, one) {
  const now = signature(theirs), mine = pending.get(theirs.id);
  if (now === one.sent) return settle(theirs, one);  // its answer was lost on the way
  if (now === one.from) return void (mine.base = theirs.revision);
  pending.delete(theirs.id);
  learn(theirs);
  showPicture();
  const row = make("div", undefined, {class: "conflict"});
  const say = work => describe(work) || "nothing";
  const keep = make("button", "Keep theirs", {type: "button"}), take = make("button", "Take mine", {type: "button"});
  row.append(make("span", `${theirs.who || "Somebody"} has changed ${theirs.name} while you did: it is ` +
                          `${say(theirs)}, yours was ${say(mine.work)}.`), keep, take);
  keep.onclick = () => row.remove();
  take.onclick = () => { row.remove(); change(known.get(theirs.id) || theirs, mine.work); showPicture(); };
  $("conflicts").append(row);
}

const flushed = async () => { while (pending.size) await sleep(15); };
onbeforeunload = event => { settleNudge(); if (pending.size) event.preventDefault(); };

function describe({mark, labels, boxes}) {
  const count = Array.isArray(boxes) ? boxes.length : boxes;
  const parts = [...labels];
  if (count) parts.push(count === 1 ? "1 box" : count + " boxes");
  if (mark === "done") return parts.join(", ") || "nothing to see";
  return {todo: "", skipped: "skipped", bad: "bad"}[mark];
}

function showSaved() {
  $("saved").textContent = pending.size ? "saving ..." : "saved";
  $("saved").classList.toggle("busy", pending.size > 0);
}
function banner(text) {
  $("banner").textContent = text;
  $("banner").hidden = !text;
}
let toastTimer = 0;
function toast(text) {
  $("toast").textContent = $("say").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 2500);
}

let asking = null;
function login() {
  return asking ??= new Promise(done => {
    $("login").showModal();
    $("login").oncancel = event => event.preventDefault();
    $("login-form").onsubmit = async event => {
      event.preventDefault();
      try {
        await tell("POST", "api/login", {token: $("token").value});
        $("login").close();
        $("token").value = "";
        asking = null;
        done();
      } catch (error) {
        $("login-answer").textContent = error.message;
      }
    };
  });
}
)js";

}  // namespace kiln::annotate
