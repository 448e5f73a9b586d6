"""page.py KILN [SCREEN.png]: `kiln annotate` in a headless Chromium.

Labels by keys, boxes by mouse and by keys, undo and redo, reload, two people at once, a server that is killed, a picture that
cannot be shown, a phone's width. Pictures are made by Pillow, so are those that are drawn on. With a second argument screens
are written there.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from browser import browser_of  # skips without selenium

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
try:
    from PIL import Image, ImageDraw
except ImportError:
    print("skipped: python3-pil is not installed")
    sys.exit(77)

NAMES = ["1.png", "2.png", "3.jpg", "4.png", "5.png", "10.png", "11.png", "12.png"]


def make_pictures(folder):
    for i, name in enumerate(NAMES):
        picture = Image.new("RGB", (400, 300), (40 + 20 * i, 120, 190 - 15 * i))
        draw = ImageDraw.Draw(picture)
        draw.ellipse([60 + 10 * i, 60, 180 + 10 * i, 200], fill=(240, 200, 60))
        draw.rectangle([250, 120 + 5 * i, 350, 250], fill=(200, 60, 90))
        exif = Image.Exif()
        if name == "3.jpg":
            exif[0x0112] = 6  # it is 300 x 400 upright
        picture.save(folder / name, **({"exif": exif} if name == "3.jpg" else {}))
    (folder / "broken.png").write_bytes((folder / "1.png").read_bytes()[:200])


class Server:
    def __init__(self, kiln, folder, *more, port=0):
        self.process = subprocess.Popen([kiln, "annotate", str(folder), "--port", str(port), *more], stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.url = re.search(r"http://\S+", self.process.stdout.readline())[0]
        self.port = int(self.url.rsplit(":", 1)[1].strip("/"))

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()
        self.process.stdout.close()


class Page:
    def __init__(self, browser):
        self.browser = browser
        self.wait = WebDriverWait(browser, 10, poll_frequency=0.02)

    def text(self, id):
        return self.browser.execute_script("return document.getElementById(arguments[0]).textContent", id)

    def until(self, f, what):
        self.wait.until(lambda _: f(), what)

    def at(self, name, state=None):
        self.until(lambda: self.text("file") == name and (state is None or self.text("state") == state),
                   f"{name} {state}: {self.text('file')} {self.text('state')}")
        self.until(lambda: self.browser.execute_script("return !!open && open.name === arguments[0]", name), "all of " + name)

    def saved(self):
        self.until(lambda: self.text("saved") == "saved", "saved")

    def press(self, *keys, shift=False, control=False):
        chain = ActionChains(self.browser)
        for held, is_held in ((Keys.SHIFT, shift), (Keys.CONTROL, control)):
            if is_held:
                chain.key_down(held)
        for key in keys:
            chain.send_keys(key)
        for held, is_held in ((Keys.SHIFT, shift), (Keys.CONTROL, control)):
            if is_held:
                chain.key_up(held)
        chain.perform()

    def point(self, x, y):
        """Where a pixel of the picture is in the window."""
        return self.browser.execute_script(
            "const r = document.getElementById('stage').getBoundingClientRect();"
            "return [r.left + view.x + arguments[0] * view.scale, r.top + view.y + arguments[1] * view.scale].map(Math.round)", x, y)

    def drag(self, begin, end):
        chain = ActionChains(self.browser, duration=20)
        chain.w3c_actions.pointer_action.move_to_location(*self.point(*begin))
        chain.w3c_actions.pointer_action.pointer_down()
        chain.w3c_actions.pointer_action.move_to_location(*self.point((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2))
        chain.w3c_actions.pointer_action.move_to_location(*self.point(*end))
        chain.w3c_actions.pointer_action.pointer_up()
        chain.perform()

    def click(self, x, y):
        chain = ActionChains(self.browser, duration=10)
        chain.w3c_actions.pointer_action.move_to_location(*self.point(x, y))
        chain.w3c_actions.pointer_action.click()
        chain.perform()

    def boxes(self):
        return self.browser.execute_script("return open.boxes.map(b => [b.label, ...b.box])")


def near(box, expected, slack=3):
    assert box[0] == expected[0] and all(abs(a - b) <= slack for a, b in zip(box[1:], expected[1:])), (box, expected)


def check_classes(page):
    page.at("1.png", "unlabelled")
    page.press("2")
    page.at("2.png")
    page.press("1")
    page.at("3.jpg")
    page.press("s")
    page.at("4.png")
    assert page.text("tally") == "3 of 9", page.text("tally")
    page.press("u")
    page.at("3.jpg", "unlabelled")
    page.press("u")
    page.at("2.png", "unlabelled")
    page.press("y", control=True)
    page.at("2.png", "cat")
    page.press(Keys.ARROW_LEFT)
    page.at("1.png", "dog")
    page.press("1", shift=True)
    page.at("1.png", "dog, cat")
    page.press(Keys.DELETE)
    page.at("1.png", "unlabelled")
    page.press("z", control=True)
    page.at("1.png", "dog, cat")
    page.press("/", "bird")
    page.until(lambda: page.browser.find_element(By.ID, "add").is_displayed(), "a class to add")
    page.browser.find_element(By.ID, "add").click()
    page.until(lambda: "bird" in page.text("classes"), "the class")
    page.press("3")
    page.at("3.jpg")
    page.press("0")
    page.at("4.png")
    page.press(Keys.ARROW_LEFT)
    page.at("3.jpg", "nothing to see")
    page.press(Keys.ENTER)
    page.at("4.png")
    page.saved()


def check_boxes(page):
    page.press("b", "1")
    page.drag((60, 50), (180, 200))
    page.at("4.png", "1 box")
    near(page.boxes()[0], ["cat", 60, 50, 120, 150])
    page.press("3")  # the chosen box's class
    near(page.boxes()[0], ["bird", 60, 50, 120, 150])
    page.press("2", Keys.ESCAPE, "2")
    page.drag((100, 80), (150, 120))  # within the other
    page.until(lambda: len(page.boxes()) == 2, "two boxes")
    near(page.boxes()[1], ["dog", 100, 80, 50, 40])
    page.click(125, 100)  # chosen already, being new; the smaller one
    page.drag((125, 100), (225, 150))
    near(page.boxes()[1], ["dog", 200, 130, 50, 40])
    page.drag((250, 170), (290, 200))  # by its lower right corner
    near(page.boxes()[1], ["dog", 200, 130, 90, 70])
    page.drag((245, 165), (480, 330))  # never out of the picture
    near(page.boxes()[1], ["dog", 310, 230, 90, 70])
    before = page.boxes()[1]
    page.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_UP)
    page.press(Keys.ARROW_LEFT, shift=True)
    assert page.boxes()[1] == ["dog", before[1] - 2, before[2] - 1, before[3] - 1, before[4]], (before, page.boxes())
    page.until(lambda: page.browser.execute_script("return !nudge && !pending.size"), "the nudge is saved")
    page.press("u")
    page.until(lambda: page.boxes()[1] == before, "the nudge is undone at once")
    page.press("n")
    page.until(lambda: len(page.boxes()) == 3, "a box by a key")
    page.press(Keys.DELETE)
    page.until(lambda: len(page.boxes()) == 2, "removed")
    page.press("e", "e")
    page.saved()
    return page.boxes()


def check_reload(page, boxes, folder):
    page.browser.refresh()
    page.at("4.png", "2 boxes")
    assert page.boxes() == boxes
    page.press("b")
    for name, state in (("3.jpg", "nothing to see"), ("2.png", "cat"), ("1.png", "bird")):
        page.press(Keys.ARROW_LEFT)
        page.at(name, state)
    lines = lambda: [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines()]
    drawn = lambda line: [[box["label"], *box["box"]] for box in line.get("boxes", [])]
    page.until(lambda: len(lines()) == 5 and drawn(lines()[4]) == boxes, "the labels file")
    assert lines()[0] == {"classes": ["cat", "dog", "bird"]}, lines()
    assert [line["path"] for line in lines()[1:]] == NAMES[:4], lines()
    assert (lines()[3]["width"], lines()[3]["height"]) == (300, 400), lines()[3]


def check_two(page, browser, url):
    """Another person in another window."""
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.execute_script("sessionStorage.clear()") if browser.current_url.startswith("http") else None
    browser.get(url)
    page.at("10.png")  # 5.png comes next for the first
    browser.execute_script("document.getElementById('who').value = 'anna'")
    page.press("2")
    page.at("11.png")
    page.saved()
    second = browser.current_window_handle
    browser.switch_to.window(first)
    page.press(*[Keys.ARROW_RIGHT] * 5)
    page.at("10.png", "dog")
    # Both change the same picture; no news comes to this one.
    browser.execute_script("const told = ask; ask = (path, options) => path.startsWith('api/news') ? new Promise(() => {}) : "
                           "told(path, options); aborter.abort()")
    browser.switch_to.window(second)
    page.press(Keys.ARROW_LEFT)
    page.at("10.png", "dog")
    page.press("1")
    page.saved()
    browser.switch_to.window(first)
    conflicts = lambda: browser.execute_script("return document.querySelectorAll('.conflict').length")
    page.press("3")
    page.until(lambda: conflicts() == 1, "a conflict")
    text = browser.execute_script("return document.querySelector('.conflict').textContent")
    assert "anna has changed 10.png" in text and "it is cat, yours was bird" in text, text
    browser.find_element(By.CSS_SELECTOR, ".conflict button:last-child").click()
    page.saved()
    browser.switch_to.window(second)
    page.press(Keys.ARROW_LEFT)
    page.until(lambda: browser.execute_script("return list.find(p => p.name === '10.png').labels[0]") == "bird", "news of the other")
    browser.close()
    browser.switch_to.window(first)
    browser.refresh()
    page.until(lambda: page.text("file") != "", "a picture")


def check_kill(page, kiln, folder, server):
    """Labels made while the server is away are sent when it is back."""
    page.browser.execute_script("show(list.findIndex(p => p.name === '11.png'))")
    page.at("11.png", "unlabelled")
    server.end(signal.SIGKILL)
    page.press("1")
    page.until(lambda: "not saved yet" in page.text("banner"), "it is said that it is not saved")
    page.until(lambda: page.text("saved") == "saving ...", "nor is it pretended")
    again = Server(kiln, folder, port=server.port)
    page.saved()
    page.until(lambda: page.text("banner") == "", "no banner")
    page.until(lambda: '"11.png"' in (folder / "labels.jsonl").read_text(), "in the labels file")
    return again


def check_broken(page):
    page.browser.execute_script("show(list.findIndex(p => p.name === 'broken.png'))")
    page.at("broken.png")
    page.until(lambda: "cannot be shown" in page.text("message"), page.text("message"))
    page.press("x")
    page.saved()
    assert page.browser.execute_script("return list.find(p => p.name === 'broken.png').mark") == "bad"


def check_reach(page, url):
    browser = page.browser
    browser.execute_script("show(list.findIndex(p => p.name === '4.png'))")
    page.at("4.png")
    page.press("b")
    unnamed = browser.execute_script(
        "return [...document.querySelectorAll('button, input, select, g[tabindex]')].filter(x => !x.textContent.trim() && "
        "!x.getAttribute('aria-label') && !(x.labels && x.labels.length)).map(x => x.id || x.className)")
    assert not unnamed, unnamed
    reached = set()
    browser.execute_script("document.activeElement.blur()")
    for _ in range(45):
        page.press(Keys.TAB)
        reached.add(browser.execute_script("return document.activeElement.id || document.activeElement.dataset?.box"))
    assert {"who", "help-button", "previous", "next", "next-todo", "undo", "skip", "find", "filter", "0", "1"} <= reached, reached
    page.press("b")
    foreign = [name for name in browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
               if not name.startswith((url, "blob:", "data:"))]
    assert not foreign, foreign


def check_phone(page, screen):
    browser = page.browser
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
    browser.refresh()
    page.at("4.png")
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= 360, wide
    browser.execute_script("window.scrollTo(0, 0)")
    if screen:
        browser.save_screenshot(screen + "-phone.png")
    browser.execute_script("document.querySelector('#classes button').click()")
    page.saved()


def main():
    browser = browser_of(1280, 850)
    screen = os.path.splitext(sys.argv[2])[0] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make_pictures(folder)
        server = Server(sys.argv[1], folder, "--classes", "cat,dog")
        try:
            page = Page(browser)
            browser.get(server.url)
            check_classes(page)
            boxes = check_boxes(page)
            if screen:
                browser.save_screenshot(screen + "-boxes.png")
            check_reload(page, boxes, folder)
            check_two(page, browser, server.url)
            server = check_kill(page, sys.argv[1], folder, server)
            check_broken(page)
            if screen:
                browser.save_screenshot(screen + "-broken.png")
            check_reach(page, server.url)
            if screen:
                browser.save_screenshot(screen + "-classes.png")
            errors = [line for line in browser.get_log("browser") if line["level"] == "SEVERE" and "Failed to load resource" not in line["message"]]
            assert not errors, errors
            check_phone(page, screen)
        except BaseException:
            if screen:
                browser.save_screenshot(screen + "-failed.png")
            raise
        finally:
            server.end()
            browser.quit()
    print("page: labelled, drawn, undone, reloaded, by two, over a kill, by keyboard and on a phone")


if __name__ == "__main__":
    main()
