#include <kiln/serve/page/pieces.h>

namespace kiln::serve {

const char* const kPageBody = R"(<body>
<header>
  <h1 id="name">Kiln</h1>
  <p id="version" class="quiet">looking for the model ...</p>
</header>
<main>
  <section aria-labelledby="picture-title">
    <h2 id="picture-title">Picture</h2>
    <label id="drop" for="file">
      <img id="preview" alt="" hidden>
      <video id="camera" muted playsinline hidden></video>
      <canvas id="heat" hidden></canvas>
      <span id="hint">Drop a picture here, paste one, or choose a file</span>
    </label>
    <input id="file" type="file" accept="image/png,image/jpeg" class="out-of-sight">
    <div class="row">
      <button id="choose" type="button">Choose a file</button>
      <button id="shoot" type="button">Use the camera</button>
      <label class="check"><input id="show-heat" type="checkbox"> Heat map</label>
    </div>
  </section>
  <section aria-labelledby="answer-title">
    <h2 id="answer-title">Answer</h2>
    <div id="answer" role="status" aria-live="polite"><p class="quiet">No picture yet.</p></div>
  </section>
  <section aria-labelledby="model-title">
    <h2 id="model-title">Model</h2>
    <dl id="facts"></dl>
  </section>
  <section aria-labelledby="history-title" id="history-section" hidden>
    <h2 id="history-title">History</h2>
    <form id="rollback-form">
      <label id="token-label" hidden>Token <input id="token" type="password" autocomplete="off"></label>
      <button id="rollback" type="submit">Roll back to the version before</button>
      <p id="rollback-answer" role="status" aria-live="polite"></p>
    </form>
    <ol id="history" reversed></ol>
  </section>
</main>
)";

}  // namespace kiln::serve
