"""page.py SERVER [PICTURE.png]: the server's page in a headless Chromium.

A picture is chosen, pasted and dropped, the keyboard reaches all that can be used, a phone's width needs no sideways
scrolling, nothing is fetched from elsewhere, and a rollback asks for its token. With a second argument the last screen is
written there.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from browser import browser_of  # skips without selenium

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

DROP = """
const bytes = new File(['4'], 'four.png', {type: 'image/png'}), data = new DataTransfer();
data.items.add(bytes);
const event = arguments[0] === 'paste' ? new ClipboardEvent('paste', {clipboardData: data, bubbles: true})
                                       : new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
document.body.dispatchEvent(event);
"""


def check(browser, url, folder):
    wait = WebDriverWait(browser, 20)
    text = lambda id: browser.find_element(By.ID, id).text
    browser.get(url)
    wait.until(lambda _: text("name") == "toy")
    assert "0.9" in text("facts"), text("facts")
    picture = pathlib.Path(folder) / "three.png"
    picture.write_bytes(b"3")
    browser.find_element(By.ID, "file").send_keys(str(picture))
    wait.until(lambda _: "cat" in text("answer"))
    assert text("answer").index("cat") < text("answer").index("bee") < text("answer").index("ant"), text("answer")
    bars = browser.execute_script("return [...document.querySelectorAll('#answer i')].map(bar => bar.clientWidth)")
    assert bars[0] > 100 and bars[0] > bars[1] + 100, bars
    for way in ("paste", "drop"):
        browser.execute_script("document.getElementById('answer').replaceChildren()")
        browser.execute_script(DROP, way)
        wait.until(lambda _: "cat" in text("answer"))
    browser.find_element(By.ID, "show-heat").click()
    wait.until(lambda _: browser.find_element(By.ID, "heat").is_displayed())
    (pathlib.Path(folder) / "bad.png").write_bytes(b"not a picture")
    browser.find_element(By.ID, "file").send_keys(str(pathlib.Path(folder) / "bad.png"))
    wait.until(lambda _: "cannot be read" in text("answer"))

    wait.until(lambda _: browser.find_element(By.ID, "rollback").is_displayed())
    browser.find_element(By.ID, "rollback").click()
    wait.until(lambda _: "token" in text("rollback-answer"))
    browser.find_element(By.ID, "token").send_keys("0123456789abcdef" + Keys.ENTER)
    wait.until(lambda _: "is served" in text("rollback-answer"))
    wait.until(lambda _: text("history").startswith("rollback"))
    browser.find_element(By.ID, "file").send_keys(str(picture))
    wait.until(lambda _: "cat" in text("answer"))

    reached = set()
    browser.execute_script("document.activeElement.blur()")
    for _ in range(12):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        reached.add(browser.switch_to.active_element.get_attribute("id"))
    assert {"choose", "shoot", "show-heat", "token", "rollback"} <= reached, reached
    foreign = [name for name in browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
               if not name.startswith((url, "blob:", "data:"))]
    assert not foreign, foreign
    errors = [line for line in browser.get_log("browser") if line["level"] == "SEVERE" and "status of 4" not in line["message"]]
    assert not errors, errors
    for role in ("status",):
        assert browser.find_elements(By.CSS_SELECTOR, f"[role={role}][aria-live=polite]")
    unnamed = browser.execute_script("return [...document.querySelectorAll('button, input')].filter(x => "
                                     "!x.textContent.trim() && !(x.labels && x.labels.length)).map(x => x.id)")
    assert not unnamed, unnamed


def check_phone(browser):
    browser.set_window_size(500, 800)  # Chromium's least is near that; the page's own width is asked below
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= 360, wide


def main():
    browser = browser_of(1100, 900)
    try:
        with subprocess.Popen([sys.argv[1], "--store"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server, \
                tempfile.TemporaryDirectory() as folder:
            try:
                check(browser, f"http://127.0.0.1:{int(server.stdout.readline())}/", folder)
                if len(sys.argv) > 2:
                    browser.save_screenshot(sys.argv[2])
                check_phone(browser)
                if len(sys.argv) > 2:
                    browser.save_screenshot(os.path.splitext(sys.argv[2])[0] + "-phone.png")
            finally:
                server.stdin.close()
    finally:
        browser.quit()
    print("page: chosen, pasted, dropped, rolled back, by keyboard and on a phone")


if __name__ == "__main__":
    main()
