#include <kiln/serve/page/pieces.h>

namespace kiln::serve {

// Texts from the server are only ever set as text.
const char* const kPageScript = R"(const short = id => id.slice(0, 12);
const percent = x => (100 * x).toFixed(1) + " %";
let about = null, last = null, stream = null, asked = 0;

async function showModel() {
  try {
    about = await ask("about");
  } catch (error) {
    $("version").textContent = error.message;
    return;
  }
  document.title = $("name").textContent = about.name;
  $("version").textContent = "version " + short(about.version);
  const facts = [["Version", about.version], ["Architecture", about.architecture], ["Pictures", about.preset],
                 ["Classes", about.classes || ""]];
  for (const [name, value] of Object.entries(about.metrics || {}))
    facts.push([name, typeof value === "number" && !Number.isInteger(value) ? value.toPrecision(4) : JSON.stringify(value)]);
  if (about.shadow) {
    const all = about.shadow.agreed + about.shadow.differed;
    facts.push(["Shadow", short(about.shadow.version) + (all ? ": agrees in " + percent(about.shadow.agreed / all) + " of " + all : "")]);
  }
  $("facts").replaceChildren(...facts.filter(([, value]) => value !== "").flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
  $("history-section").hidden = !about.has_store;
  $("token-label").hidden = !about.needs_token;
  if (about.has_store) showHistory();
}

async function showHistory() {
  const events = await ask("history").catch(() => []);
  $("history").replaceChildren(...events.reverse().map(event => {
    const item = make("li", event.event + " ");
    item.append(make("code", short(event.version)), " ");
    item.append(make("time", event.when.replace("T", " ").replace("Z", " UTC"), {datetime: event.when}));
    if (event.why) item.append(make("div", event.why, {class: "quiet"}));
    return item;
  }));
}

function showAnswer(answer, milliseconds) {
  const list = make("ol");
  for (const {index, name, probability} of answer.top) {
    const item = make("li"), bar = make("i", undefined, {"aria-hidden": "true"});
    bar.style.width = 100 * probability + "%";
    item.append(bar, make("span", name ?? "class " + index), make("span", percent(probability)));
    list.append(item);
  }
  const t = answer.timing;
  $("answer").replaceChildren(list, make("p", `version ${short(answer.version)}, ${milliseconds.toFixed(0)} ms in all, ` +
    `${t.compute_ms.toFixed(1)} ms in the model, a batch of ${t.batch}`, {class: "quiet"}));
  showHeat(answer.heat_map);
  if (about && about.version !== answer.version) showModel();
}

function showHeat(map) {
  const canvas = $("heat");
  canvas.hidden = !map;
  if (!map) return;
  canvas.height = map.length;
  canvas.width = map[0].length;
  const pixels = new ImageData(canvas.width, canvas.height);
  map.flat().forEach((x, i) => pixels.data.set([255, 220 * (1 - x), 0, 255 * x], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  placeHeat();
}

// Over the square in the middle of the picture that the model looks at.
function placeHeat() {
  const image = $("preview"), canvas = $("heat");
  if (canvas.hidden || !image.clientWidth) return;
  const side = (about ? Math.min(about.seen, 1) : 1) * Math.min(image.clientWidth, image.clientHeight);
  canvas.style.width = canvas.style.height = side + "px";
  canvas.style.left = image.offsetLeft + (image.clientWidth - side) / 2 + "px";
  canvas.style.top = image.offsetTop + (image.clientHeight - side) / 2 + "px";
}

async function predict(picture) {
  last = picture;
  const number = ++asked, begin = performance.now();
  const image = $("preview"), before = image.src;
  image.src = URL.createObjectURL(picture);
  if (before) URL.revokeObjectURL(before);
  image.alt = picture.name ? "the picture " + picture.name : "the picture";
  image.hidden = false;
  $("hint").hidden = $("heat").hidden = true;
  $("answer").setAttribute("aria-busy", "true");
  try {
    const heat = $("show-heat").checked ? "?heat=1" : "";
    const type = picture.type === "image/png" ? "image/png" : picture.type === "image/jpeg" ? "image/jpeg" : "application/octet-stream";
    const answer = await ask("predict" + heat, {method: "POST", headers: {"Content-Type": type}, body: picture});
    if (number === asked) showAnswer(answer, performance.now() - begin);
  } catch (error) {
    if (number === asked) $("answer").replaceChildren(make("p", error.message, {class: "error"}));
  }
  $("answer").removeAttribute("aria-busy");
}

function endCamera() {
  if (stream) stream.getTracks().forEach(track => track.stop());
  stream = null;
  $("camera").hidden = true;
  $("shoot").textContent = "Use the camera";
}

async function shoot() {
  const video = $("camera");
  if (stream) {
    const canvas = make("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    endCamera();
    return canvas.toBlob(predict, "image/jpeg", 0.92);
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: "environment"}});
  } catch {
    $("answer").replaceChildren(make("p", "The camera cannot be used: browsers allow it on this machine or by https only.", {class: "error"}));
    return;
  }
  video.srcObject = stream;
  await video.play();
  video.hidden = false;
  $("preview").hidden = $("hint").hidden = $("heat").hidden = true;
  $("shoot").textContent = "Take the picture";
}

const firstPicture = files => [...files].find(file => file.type.startsWith("image/")) ?? files[0];
$("choose").onclick = () => $("file").click();
$("shoot").onclick = shoot;
$("file").onchange = event => { if (event.target.files[0]) { endCamera(); predict(event.target.files[0]); } event.target.value = ""; };
$("show-heat").onchange = () => { if (last) predict(last); };
for (const name of ["dragenter", "dragover"])
  document.addEventListener(name, event => { event.preventDefault(); $("drop").classList.add("over"); });
for (const name of ["dragleave", "drop"])
  document.addEventListener(name, event => { event.preventDefault(); $("drop").classList.remove("over"); });
document.addEventListener("drop", event => { const file = firstPicture(event.dataTransfer.files); if (file) predict(file); });
document.addEventListener("paste", event => { const file = firstPicture(event.clipboardData.files); if (file) predict(file); });
$("rollback-form").onsubmit = async event => {
  event.preventDefault();
  $("rollback").disabled = true;
  const headers = {"Content-Type": "application/json"};
  if (about && about.needs_token) headers.Authorization = "Bearer " + $("token").value;
  try {
    const answer = await ask("rollback", {method: "POST", headers, body: "{}"});
    $("rollback-answer").textContent = "Now version " + short(answer.version) + " is served.";
  } catch (error) {
    $("rollback-answer").textContent = error.message;
  }
  $("rollback").disabled = false;
  showModel();
};
new ResizeObserver(placeHeat).observe($("preview"));
showModel();
setInterval(() => { if (!document.hidden) showModel(); }, 10000);
)";

}  // namespace kiln::serve
