#include <kiln/annotate/page/page.h>

namespace kiln::annotate {

const char* const kBody = R"html(<body>
<header>
  <h1 id="name">Kiln</h1>
  <div id="progress">
    <progress id="bar" max="1" value="0" aria-label="Progress"></progress>
    <span id="tally" class="quiet">&nbsp;</span>
  </div>
  <fieldset id="modes">
    <legend class="out-of-sight">What is labelled</legend>
    <label><input type="radio" name="mode" value="classes" checked><span>Classes</span></label>
    <label><input type="radio" name="mode" value="boxes"><span>Boxes</span></label>
  </fieldset>
  <label id="who-label"><span class="out-of-sight">Your name</span><input id="who" maxlength="40" placeholder="Your name"
    autocomplete="nickname"></label>
  <span id="here" class="quiet"></span>
  <span id="saved" class="quiet">saved</span>
  <button id="help-button" type="button" aria-label="Keys and help" title="Keys (?)">?</button>
</header>
<p id="banner" role="alert" hidden></p>
<div id="conflicts" role="alert"></div>
<main>
  <section id="stage-section" aria-label="Picture">
    <div id="stage">
      <div id="sheet" hidden>
        <img id="picture" alt="" draggable="false">
        <svg id="boxes" role="group" aria-label="Boxes"></svg>
      </div>
      <p id="message" class="quiet">looking for pictures ...</p>
      <div id="zoom">
        <button id="zoom-in" type="button" aria-label="Zoom in" title="Zoom in (+)">+</button>
        <button id="zoom-out" type="button" aria-label="Zoom out" title="Zoom out (-)">&minus;</button>
        <button id="fit" type="button" aria-label="Fit into the window" title="Fit (f)">fit</button>
      </div>
      <p id="toast" hidden></p>
    </div>
    <div id="caption">
      <span id="where" class="quiet"></span><strong id="file"></strong><span id="state" class="chip"></span>
      <span id="size" class="quiet"></span>
    </div>
    <div id="moves" class="row">
      <button id="previous" type="button" title="Left arrow">&larr;<span class="word"> Previous</span></button>
      <button id="next" type="button" title="Right arrow"><span class="word">Next </span>&rarr;</button>
      <button id="next-todo" type="button" class="main" title="Enter">Next unlabelled <kbd aria-hidden="true">&crarr;</kbd></button>
      <span class="gap"></span>
      <button id="undo" type="button" title="u or Ctrl+Z">Undo <kbd aria-hidden="true">u</kbd></button>
      <button id="redo" type="button" title="r or Ctrl+Y">Redo <kbd aria-hidden="true">r</kbd></button>
      <button id="nothing" type="button" title="Looked at, nothing to see (0)">Nothing <kbd aria-hidden="true">0</kbd></button>
      <button id="skip" type="button" title="s">Skip <kbd aria-hidden="true">s</kbd></button>
      <button id="bad" type="button" title="x">Bad <kbd aria-hidden="true">x</kbd></button>
    </div>
  </section>
  <aside>
    <section aria-labelledby="classes-title">
      <h2 id="classes-title">Classes</h2>
      <form id="class-form">
        <input id="find" placeholder="Find or add a class" aria-label="Find or add a class" maxlength="100" autocomplete="off">
        <button id="add" type="submit" hidden>Add</button>
      </form>
      <ol id="classes"></ol>
    </section>
    <section aria-labelledby="boxes-title" id="boxes-section">
      <h2 id="boxes-title">Boxes</h2>
      <ol id="box-list"></ol>
      <p id="no-boxes" class="quiet">Drag on the picture, or press n.</p>
    </section>
  </aside>
  <nav id="strip" aria-label="Pictures">
    <label class="quiet">Show <select id="filter"></select></label>
    <div id="film"><div id="frames"></div></div>
  </nav>
</main>
<p id="say" class="out-of-sight" role="status" aria-live="polite"></p>
<dialog id="help" aria-labelledby="help-title">
  <h2 id="help-title">Keys</h2>
  <dl>
    <dt><kbd>1</kbd> &hellip; <kbd>9</kbd></dt><dd>this class; goes on to the next unlabelled picture</dd>
    <dt><kbd>Shift</kbd> <kbd>1</kbd> &hellip;</dt><dd>one more class, or one less, without going on</dd>
    <dt><kbd>0</kbd></dt><dd>looked at, nothing to see</dd>
    <dt><kbd>s</kbd> <kbd>x</kbd></dt><dd>skip: cannot say; bad: of no use</dd>
    <dt><kbd>&larr;</kbd> <kbd>&rarr;</kbd></dt><dd>previous, next picture</dd>
    <dt><kbd>Enter</kbd></dt><dd>next unlabelled picture</dd>
    <dt><kbd>u</kbd> <kbd>r</kbd></dt><dd>undo, redo; also <kbd>Ctrl</kbd> <kbd>Z</kbd>, <kbd>Ctrl</kbd> <kbd>Y</kbd></dd>
    <dt><kbd>/</kbd></dt><dd>find a class by its name, or add one</dd>
    <dt><kbd>b</kbd></dt><dd>classes of pictures, or boxes</dd>
    <dt><kbd>n</kbd> <kbd>e</kbd></dt><dd>a new box in the middle; the next box</dd>
    <dt>arrows</dt><dd>move the chosen box; with <kbd>Shift</kbd> its right and lower edge</dd>
    <dt><kbd>Del</kbd> <kbd>Esc</kbd></dt><dd>remove the chosen box, or the picture's classes; choose none</dd>
    <dt><kbd>+</kbd> <kbd>&minus;</kbd> <kbd>f</kbd></dt><dd>zoom, also by wheel or two fingers; fit</dd>
    <dt><kbd>Space</kbd></dt><dd>held: drag the picture</dd>
  </dl>
  <p class="quiet">Every change is on the disk before the page says "saved". <a href="api/labels" download>The labels so far</a></p>
  <form method="dialog"><button>Close</button></form>
</dialog>
<dialog id="login" aria-labelledby="login-title">
  <form id="login-form">
    <h2 id="login-title">Token</h2>
    <label>The token of this server <input id="token" type="password" autocomplete="current-password"></label>
    <p id="login-answer" class="error" role="alert"></p>
    <button type="submit">Begin</button>
  </form>
</dialog>
)html";

}  // namespace kiln::annotate
