"""What the page shows, at both widths and in both colour schemes, and from the keyboard."""

import os
import pathlib
import unittest

from dashboard import HERE, DashboardCase, resize, wait_until

KINDS = ("accepted", "rejected", "unverified", "correction")
WIDTHS = (360, 1600)
SCHEMES = ("light", "dark")

# What lies below the contrast of 4.5 that WCAG 2.2 wants for texts.
CONTRAST = (HERE / "contrast.js").read_text()
# How the first node of a kind is drawn.
LOOKS = """
const node = document.querySelector(`.node.${arguments[0]}[role=treeitem]`);
if (!node) return null;
const shape = node.querySelector("rect, polygon");
const corners = (shape.getAttribute("points") ?? "").split(" ").length;
const dashes = getComputedStyle(shape).strokeDasharray;
return {
  mark: node.querySelector("text").textContent,
  words: node.getAttribute("aria-label"),
  shape: [shape.tagName, shape.getAttribute("rx"), corners, dashes].join(),
};
"""
# Where the focus is, and whether it can be seen.
FOCUS = """
const node = document.activeElement;
const shape = node.querySelector(":scope > rect, :scope > polygon");
const style = getComputedStyle(node);
const isOutlined = parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none";
return {
  id: node.id,
  place: [...document.querySelectorAll("[role=treeitem]")].indexOf(node),
  tag: node.tagName,
  role: node.getAttribute("role"),
  label: node.getAttribute("aria-label") ?? node.textContent,
  className: node.className.baseVal ?? node.className,
  seen: shape ? parseFloat(getComputedStyle(shape).strokeWidth) > 3 : isOutlined,
};
"""


class Page(DashboardCase):
    def test_figures_move_and_a_tree_of_all_kinds_of_nodes_is_drawn(self):
        self.load()
        driver = self.open()
        self.await_live(driver)
        self.await_tree(driver, *KINDS)
        count = "return document.querySelector('.tile .note').textContent"
        before = self.script(driver, count)
        wait_until(lambda: self.script(driver, count) != before, "another number of tokens")
        for mark in [*(f"#{chart} .line" for chart in ("speed", "first", "queue", "kv", "cost")), "#depth .bar"]:
            self.await_element(driver, mark)
        rows = self.script(driver, "return [...document.querySelectorAll('#workers tr')].map((row) => row.textContent)")
        self.assertEqual(len(rows), 2)
        self.assertTrue(any("ngram" in row for row in rows), rows)
        running = self.script(driver, "return document.getElementById('running').textContent")
        self.assertIn("req-of-the-test", running)
        self.check_console(driver)

    def test_nothing_is_asked_of_anybody_else(self):
        driver = self.open()
        self.await_live(driver)
        names = self.script(driver, "return performance.getEntriesByType('resource').map((entry) => entry.name)")
        self.assertGreater(len(names), 5)
        self.assertEqual([name for name in names if not name.startswith(self.url)], [])

    def test_fates_differ_by_shape_and_mark_and_words(self):
        self.load()
        driver = self.open()
        self.await_live(driver)
        looks = {}

        def look():
            for kind in KINDS:
                found = self.script(driver, LOOKS, kind)
                if found:
                    looks[kind] = found
                    self.assertIn(kind, found["words"])
            return len(looks) == len(KINDS)

        wait_until(look, "a tree of all kinds of nodes")
        self.assertEqual(len({look["mark"] for look in looks.values()}), len(KINDS))
        self.assertEqual(len({look["shape"] for look in looks.values()}), len(KINDS))

    def test_nothing_is_cut_off_at_any_width_and_every_text_can_be_read(self):
        self.load()
        pictures = os.environ.get("PACELINE_SCREENSHOTS")
        for scheme in SCHEMES:
            for width in WIDTHS:
                with self.subTest(scheme=scheme, width=width):
                    driver = self.open(width=width, scheme=scheme)
                    self.await_live(driver)
                    self.await_tree(driver, "accepted", "correction")
                    self.assertEqual(self.script(driver, "return document.documentElement.scrollWidth"), width)
                    self.assertEqual(self.script(driver, CONTRAST), [])
                    if pictures:
                        self.keep(driver, width, pathlib.Path(pictures) / f"dashboard-{width}-{scheme}.png")
                    self.check_console(driver)
                    driver.quit()

    def keep(self, driver, width, path):
        """Keeps a picture of the whole page, with a minute of figures."""
        tokens = "return document.querySelectorAll('#rounds tr').length"
        wait_until(lambda: self.script(driver, tokens) >= 30, "thirty rounds")
        height = self.script(driver, "return document.documentElement.scrollHeight")
        resize(driver, width, height)
        self.script(driver, "return new Promise((done) => setTimeout(done, 1500))")
        path.parent.mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(path))


class Keyboard(DashboardCase):
    def press(self, driver, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(driver).send_keys(*keys).perform()

    def focus(self, driver):
        return self.script(driver, FOCUS)

    def tab_to(self, driver, condition, what):
        from selenium.webdriver.common.keys import Keys

        for _ in range(60):
            self.press(driver, Keys.TAB)
            place = self.focus(driver)
            if place["tag"] == "BODY":
                continue
            self.assertTrue(place["seen"], f"the focus cannot be seen: {place}")
            if condition(place):
                return place
        raise AssertionError(f"the Tab key does not lead to {what}")

    def test_the_tree_and_its_rounds_can_be_walked(self):
        from selenium.webdriver.common.keys import Keys

        # One request that goes on, so that its list grows.
        self.load(tokens=1500)
        driver = self.open()
        self.await_live(driver)
        rounds = "return document.querySelectorAll('#rounds button.pick').length"
        self.await_tree(driver, "accepted", "correction")
        wait_until(lambda: self.script(driver, rounds) >= 5, "five rounds with trees")
        self.tab_to(driver, lambda place: place["id"] == "live", "the button that follows rounds")
        self.press(driver, Keys.SPACE)
        pressed = "return document.getElementById('live').getAttribute('aria-pressed')"
        self.assertEqual(self.script(driver, pressed), "false")
        self.walk_to_a_round_that_accepted(driver)
        self.tab_to(driver, lambda place: place["role"] == "treeitem", "the tree")
        correction = self.step(driver, Keys.END)
        self.assertIn("correction", correction["className"])
        accepted = self.step(driver, Keys.ARROW_LEFT)
        self.assertIn("accepted", accepted["className"])
        self.assertNotEqual(self.step(driver, Keys.ARROW_RIGHT)["place"], accepted["place"])
        self.assertEqual(self.step(driver, Keys.ARROW_LEFT)["place"], accepted["place"])
        for key in (Keys.HOME, Keys.ARROW_DOWN, Keys.ARROW_UP):
            self.step(driver, key)
        self.assertTrue(self.script(driver, "return document.getElementById('node-detail').textContent"))
        self.check_console(driver)

    def step(self, driver, key):
        """Presses a key in the tree, and returns the node that it leads to."""
        self.press(driver, key)
        place = self.focus(driver)
        self.assertEqual(place["role"], "treeitem")
        self.assertTrue(place["seen"])
        return place

    def walk_to_a_round_that_accepted(self, driver):
        """Walks the list of rounds from end to end, and then back to one whose tree has an accepted node."""
        from selenium.webdriver.common.keys import Keys

        self.tab_to(driver, lambda place: "pick" in place["className"], "a round")
        titles = [self.chosen_round(driver)]
        for key in (Keys.ARROW_UP, Keys.ARROW_DOWN):
            self.walk(driver, key, titles, lambda: False)
        self.assertGreater(len(set(titles)), 1)
        self.walk(driver, Keys.ARROW_UP, titles, lambda: self.has(driver, ".node.accepted[role=treeitem]"))
        self.assertTrue(self.has(driver, ".node.accepted[role=treeitem]"), titles)

    def walk(self, driver, key, titles, is_found):
        """Presses a key until it no longer leads to another round."""
        while not is_found():
            self.press(driver, key)
            title = self.chosen_round(driver)
            if title == titles[-1]:
                return
            titles.append(title)

    def chosen_round(self, driver):
        return self.script(driver, "return document.querySelector('.rounds .chosen').textContent")

    def test_a_request_can_be_chosen(self):
        from selenium.webdriver.common.keys import Keys

        # One that goes on while it is looked for.
        self.load(tokens=1500)
        driver = self.open()
        self.await_live(driver)
        self.await_tree(driver, "correction")
        self.tab_to(driver, lambda place: place["label"] == "req-of-the-test", "the list of requests")
        self.press(driver, Keys.ENTER)
        chosen = "return document.getElementById('request').value"
        wait_until(lambda: self.script(driver, chosen).isdigit(), "the choice of a request")
        self.await_tree(driver, "correction")
        self.check_console(driver)


if __name__ == "__main__":
    unittest.main()
