"""README.md and the guide: every ```sh block runs as it is written, and every link leads somewhere.

The blocks of a page run in one shell (`set -e`), in an empty folder that is also HOME, with the
built programs first in PATH. An ```output block holds what the ```sh block before it prints (both
streams); `...` in it stands for any text. ```console blocks are not run: they need a second
machine, another user, or the source tree.
"""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import time
import unittest

from processes import marked_processes
from rig import BIN, SANITIZED, SLOWNESS, TOP

GUIDE = TOP / "sdk" / "guide"
PAGES = sorted(GUIDE.glob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
PATIENCE_S = 180 * SLOWNESS
# Whoever types a command after `quern up &` has waited for it to start.
WAIT_FOR_BROKER = """for _ in $(seq 100); do quern workers >/dev/null 2>&1 && break; sleep 0.1; done
"""
WAIT_FOR_GATEWAY = """for _ in $(seq 100); do curl -s http://127.0.0.1:7680/livez >/dev/null && break; sleep 0.1; done
"""
# What the page has started in the background ends with its shell.
PROLOGUE = """set -e
trap 'end=$?; trap - EXIT; kill $(jobs -p) 2>/dev/null || true; wait; exit $end' EXIT
"""


def steps_of(text):
    """(commands, expected output or None) of each ```sh block."""
    steps = []
    for kind, body in BLOCK.findall(text):
        if kind == "sh":
            steps.append((body, None))
        elif kind == "output":
            steps[-1] = (steps[-1][0], body)
    return steps


def script_of(steps, folder):
    parts = [PROLOGUE]
    for number, (commands, _) in enumerate(steps):
        parts.append(f"{{\n{commands}}} >{shlex.quote(str(folder / str(number)))} 2>&1\n")
        if re.search("&$", commands, re.MULTILINE):
            parts.append(WAIT_FOR_BROKER)
            if re.search("^quern up &$", commands, re.MULTILINE):
                parts.append(WAIT_FOR_GATEWAY)
    return "".join(parts)


def matches(expected, printed):
    pattern = ".*?".join(re.escape(part) for part in expected.strip().split("..."))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def headings_of(page):
    """The anchors that GitHub gives the headings of a page."""
    text = BLOCK.sub("", page.read_text())
    titles = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


class Guide(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.prefix = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.prefix.cleanup)
        # Pages that compile a program do it as the user of an installed Quern does.
        words = ["cmake", "--install", os.environ["QUERN_BUILD"], "--prefix", cls.prefix.name]
        subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE_S)
        cls.pkg_config = next(pathlib.Path(cls.prefix.name).glob("lib/**/quern.pc")).parent

    def run_page(self, page):
        steps = steps_of(page.read_text())
        if not steps:
            return
        with tempfile.TemporaryDirectory(prefix="guide-") as place:
            place = pathlib.Path(place)
            home, outputs = place / "home", place / "outputs"
            home.mkdir()
            outputs.mkdir()
            mark = f"QUERN_GUIDE={place}"
            environment = {
                "HOME": str(home),
                "LANG": "C.UTF-8",
                "PATH": f"{BIN}:{os.environ['PATH']}",
                "PKG_CONFIG_PATH": str(self.pkg_config),
                "QUERN_BROKER": f"ipc://{place}/broker.sock",
                "QUERN_GUIDE": str(place),
                "TMPDIR": str(place),
            }
            shell = subprocess.Popen(
                ["bash", "-c", script_of(steps, outputs)], cwd=home, env=environment,
                stdin=subprocess.DEVNULL, start_new_session=True)
            try:
                code = shell.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                code = "none: it did not end"
            finally:
                left = self.end_all(mark.encode(), shell)
            for number, (commands, expected) in enumerate(steps):
                log = outputs / str(number)
                self.assertTrue(log.exists(), f"{page.name}: not reached:\n{commands}")
                printed = log.read_text(errors="replace")
                told = f"{page.name}, exit code {code}:\n{commands}\nprinted:\n{printed}"
                if expected is not None:
                    self.assertTrue(matches(expected, printed), f"{told}\nexpected:\n{expected}")
                is_last = number + 1 == len(steps) or not (outputs / str(number + 1)).exists()
                self.assertTrue(code == 0 or not is_last, told)
            self.assertEqual(code, 0, page.name)
            self.assertEqual(left, [], f"{page.name} left processes behind")

    def end_all(self, mark, shell):
        """Ends what carries the mark; what still ran a moment after the shell's end."""
        deadline = time.monotonic() + 10
        while shell.poll() is not None and time.monotonic() < deadline:
            if not marked_processes(mark=mark):
                break
            time.sleep(0.05)
        left = marked_processes(mark=mark)
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if shell.poll() is None:
            shell.kill()
        shell.wait()
        return left

    @unittest.skipIf(SANITIZED, "what the pages compile is not sanitized")
    def test_every_block_works(self):
        for page in [TOP / "README.md", *PAGES]:
            with self.subTest(page=page.name):
                self.run_page(page)

    def test_pages_have_blocks_to_run(self):
        for name in ("first-job", "own-function", "shell", "workflows", "operating", "security",
                     "errors"):
            self.assertTrue(steps_of((GUIDE / f"{name}.md").read_text()), name)

    def test_links_lead_somewhere(self):
        for page in [TOP / "README.md", *PAGES]:
            for link in LINK.findall(BLOCK.sub("", page.read_text())):
                if "://" in link:
                    continue
                path, _, anchor = link.partition("#")
                target = (page.parent / path).resolve() if path else page
                with self.subTest(page=page.name, link=link):
                    self.assertTrue(target.exists())
                    if anchor:
                        self.assertIn(anchor, headings_of(target))

    def test_every_page_is_in_the_index(self):
        index = (GUIDE / "index.md").read_text()
        for page in PAGES:
            if page.name != "index.md":
                self.assertIn(f"]({page.name})", index)

    def test_lengths(self):
        self.assertLessEqual(len((TOP / "README.md").read_text().splitlines()), 200)

    def test_the_comparison_of_outputs(self):
        self.assertTrue(matches("job ... done\n78498\n", "job 3 done\n78498"))
        self.assertFalse(matches("job ... done\n78498\n", "job 3 done\n78499"))
        self.assertFalse(matches("5050\n", "5050\nmore\n"))


if __name__ == "__main__":
    unittest.main()
