#!/usr/bin/env python3
"""Opens a timeline page in a headless Chromium, uses it as a person would, and prints what it reads there as one JSON object:
page.py FILE [SCREENSHOT]. Ends with 69 where there is no browser."""
import json
import shutil
import sys

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    sys.exit(69)
SHARES = [0, 1e-9, 1.5e-6, 1.526e-5, 9.9e-5, 1e-4, 2e-4, .02, .0996, .333, .5, .997, .9996, .999999, 1]
FREQUENCIES = [.000139, .0123, .5, 1, 12.34, 99.96, 999.6, 12345, 8e6, 2.5e9]
driver = shutil.which("chromedriver")
if not driver:
    sys.exit(69)
options = Options()
for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,900",
             "--force-device-scale-factor=1"):
    options.add_argument(word)
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
browser = webdriver.Chrome(service=Service(driver), options=options)
try:
    browser.get("file://" + sys.argv[1])
    WebDriverWait(browser, 60).until(lambda b: b.execute_script("return document.body.dataset.ready"))
    js = browser.execute_script
    out = {"ready": int(js("return document.body.dataset.ready"))}
    text = lambda name: browser.find_element(By.ID, name).text.replace("\u202f", " ")
    out["title"] = browser.title
    out["facts"] = [e.text.replace("\u202f", " ") for e in browser.find_elements(By.CLASS_NAME, "fact")]
    out["rows"] = js("return timeline.rows.map(r => [r.name, r.kind, r.ticks.length])")
    out["ticks"] = js("return timeline.rows.map(r => Array.from(r.ticks.slice(0, 6)))")
    out["index"] = js("return timeline.rows.map(r => Array.from((r.index || []).slice(0, 6)))")
    out["console"] = [e.get_attribute("textContent") for e in browser.find_elements(By.CSS_SELECTOR, ".say span")]
    out["sayers"] = [e.get_attribute("textContent") for e in browser.find_elements(By.CSS_SELECTOR, ".say i")]
    plot = browser.find_element(By.ID, "plot")
    size = plot.size

    def spot(row, tick):
        x, y = js("const r = timeline.rows[arguments[0]]; return [timeline.x(arguments[1]), r.y + r.height / 2]", row, tick)
        return round(x - size["width"] / 2), round(y - size["height"] / 2)

    # The cursor is put near an edge, and finds it.
    ticks = out["ticks"][0]
    if len(ticks) > 2:
        x, y = spot(0, ticks[1])
        hands = ActionChains(browser)
        hands.move_to_element_with_offset(plot, x + 2, y).perform()
        WebDriverWait(browser, 10).until(lambda b: text("cursor") != "–")
        out["cursor"] = text("cursor")
        hands.click().perform()
        x, y = spot(0, ticks[2])
        hands = ActionChains(browser)
        hands.move_to_element_with_offset(plot, x - 2, y).key_down(Keys.SHIFT).click().key_up(Keys.SHIFT).perform()
        WebDriverWait(browser, 10).until(lambda b: text("delta"))
        out["a"], out["b"], out["delta"] = text("markA"), text("markB"), text("delta")
        plot.send_keys("z")
        out["zoomed"] = js("return timeline.view")
        plot.send_keys("0")
        out["whole"] = js("return timeline.view")
        out["figures"] = [e.text.replace("\u202f", " ") for e in browser.find_elements(By.CSS_SELECTOR, "#figures tr")]
        paper = "return getComputedStyle(document.body).backgroundColor"
        before = js(paper)
        plot.send_keys("t")
        out["themes"] = [before, js(paper)]
    # The last note leads to its place.
    notes = browser.find_elements(By.CSS_SELECTOR, "#notes a")
    out["notes"] = [e.get_attribute("textContent") for e in notes]
    links = [e for e in notes if e.get_attribute("href")]
    if links:
        links[-1].click()
        WebDriverWait(browser, 10).until(lambda b: "#" in text("markA"))
        out["noted"] = text("markA")
    js("return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    # Something is drawn in each row's colours.
    out["drawn"] = js("""
        const c = document.getElementById('plot'), p = c.getContext('2d');
        return timeline.rows.map(r => {
          const d = p.getImageData(151, r.y, c.width - 170, r.height).data, seen = new Set();
          for (let n = 0; n < d.length; n += 4) seen.add(d[n] << 16 | d[n + 1] << 8 | d[n + 2]);
          return seen.size;
        })""")
    # How much of each row is drawn on, and which lines of text have their bytes one by one.
    out["filled"] = js("""
        const c = document.getElementById('plot'), p = c.getContext('2d');
        const paper = getComputedStyle(document.body).backgroundColor.match(/\\d+/g);
        return timeline.rows.map(r => {
          const d = p.getImageData(152, r.y + 3, c.width - 170, r.height - 6).data;
          let n = 0;
          for (let k = 0; k < d.length; k += 4) n += Math.max(...paper.map((v, c) => Math.abs(d[k + c] - v))) > 24;
          return n / (d.length / 4);
        })""")
    out["spread"] = js("return timeline.rows.map(r => r.lines ? timeline.spread(r) : [])")
    out["percents"] = js("return arguments[0].map(timeline.percent)", SHARES)
    out["hertz"] = js("return arguments[0].map(timeline.hertz)", FREQUENCIES)
    out["errors"] = [e["message"] for e in browser.get_log("browser") if e["level"] == "SEVERE"]
    out["requests"] = js("return performance.getEntriesByType('resource').length")
    if len(sys.argv) > 2:
        browser.save_screenshot(sys.argv[2])
    print(json.dumps(out))
finally:
    browser.quit()
