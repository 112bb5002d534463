"""Completions and manual pages: shells and roff accept them, and they are complete."""

import re
import shutil
import subprocess
import unittest

from rig import BIN, SANITIZED, Rig, wait_until
from tmux import Tmux

SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]  # nothing else needs zsh
# Prints what the script offers for the words it is given, the last being the one under the cursor.
ASK_BASH = """source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_quern
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Manual(Rig):
    def script(self, shell):
        return self.write(f"completion.{shell}", self.ok("completion", shell).raw)

    def completed(self, *words):
        """The completions of bash for `quern WORDS...`, whose last word is unfinished."""
        words = [str(word) for word in ("bash", "-c", ASK_BASH, "bash", self.script("bash"), BIN / "quern", *words)]
        done = subprocess.run(words, env=self.env, capture_output=True, text=True, cwd=self.folder, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [line for line in done.stdout.split("\n") if line]

    def assert_completed(self, expected, *words):
        """The same with names from the broker. It has a second to answer, so a busy machine may
        need several tries.
        """
        wait_until(lambda: self.completed(*words) == expected, f"{expected} for {words}")

    def commands(self):
        """Every command and every action that the help lists."""
        listed = [line.split()[0] for line in self.ok("help").lines if line.startswith("  ")]
        found = []
        for command in listed:
            text = self.ok(command, "--help").out
            actions = [line.split()[0] for line in text.split("examples:")[0].split("\n") if line.startswith("  ") and line[2] not in "- "]
            found += [(command, action) for action in actions] or [(command,)]
        return found

    def test_shells_accept_the_scripts(self):
        for shell in SHELLS:
            with self.subTest(shell=shell):
                done = subprocess.run([shell, "-n", self.script(shell)], capture_output=True, text=True, timeout=60)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assert_one_line(self.quern("completion", "fish"), 2, "fish")
        self.assert_one_line(self.quern("completion"), 2, "missing")

    def test_every_help_has_examples_and_every_option_is_completed(self):
        commands = self.commands()
        self.assertIn(("keys", "invite"), commands)
        for words in commands:
            with self.subTest(command=words):
                text = self.ok(*words, "--help").out
                self.assertIn("usage: quern " + " ".join(words), text)
                examples = text.split("examples:\n")[1]
                self.assertIn("quern " + " ".join(words), examples)
                options = {word for line in text.split("examples:")[0].split("\n") for word in line.split()[:4]
                           if line.startswith("  -") and word.startswith("--") and word in line[:40]}
                self.assertLessEqual({"--json", "--broker"}, options)
                self.assertLessEqual(options, set(self.completed(*words, "--")))

    def test_completion_works_without_a_broker(self):
        self.write("some.txt", "")
        self.assertEqual(self.completed("dr"), ["drain"])
        self.assertIn("help", self.completed(""))
        self.assertEqual(self.completed("keys", "in"), ["init", "invite"])
        self.assertEqual(self.completed("run", "f", "--durability", ""), ["memory", "durable"])
        self.assertEqual(self.completed("run", "f", "--durability", "=", "d"), ["durable"])
        self.assertEqual(self.completed("run", "f", "--items", "so"), ["some.txt"])
        self.assertEqual(self.completed("run", "f", "--lines", "x", "so"), ["some.txt"])
        self.assertEqual(self.completed("run", "f", "--priority", ""), [])
        self.assertEqual(self.completed("bench", "throughput", "--encrypt", "of"), ["off"])
        self.assertEqual(self.completed("completion", ""), ["bash", "zsh"])
        self.assertEqual(self.completed("help", "work"), ["workers"])

    def test_completion_asks_the_broker_for_names(self):
        self.start_broker()
        self.start_worker("north")
        # A name that a shell would execute must stay a name.
        self.start_worker("$(touch hacked)")
        first, second = (self.submit("absent", "--input", each) for each in "xy")
        jobs = [str(first), str(second)]
        self.assert_completed(jobs, "job", "")
        self.assert_completed(jobs, "wait", first, "")
        self.assert_completed(["north"], "drain", "no")
        self.assert_completed(["\\$\\(touch\\ hacked\\)", "north"], "drain", "")
        self.assertFalse((self.folder / "hacked").exists())
        self.assert_completed(["wordcount"], "run", "wordc")
        # The broker of the command line, split into words as readline does.
        endpoint = self.env.pop("QUERN_BROKER").split(":")
        cut = [part for piece in endpoint for part in (piece, ":")][:-1]
        self.assert_completed(jobs, "job", "--broker", *cut, "")

    @unittest.skipUnless(shutil.which("tmux"), "tmux is not installed (scripts/setup.sh)")
    def test_completion_works_in_an_interactive_shell(self):
        self.start_broker()
        self.start_worker("north")
        self.env["PATH"] = f"{BIN}:{self.env['PATH']}"
        folder = self.folder / "functions"
        folder.mkdir()
        self.script("zsh").rename(folder / "_quern")
        shells = {"bash": ("bash --norc --noprofile", f"source {self.script('bash')}"),
                  "zsh": ("zsh -f", f"fpath=({folder} $fpath); autoload -U compinit && compinit -u -D")}
        for shell in SHELLS:
            with self.subTest(shell=shell):
                command, prepare = shells[shell]
                terminal = Tmux(self, shell=command, name=shell)
                terminal.type(prepare + "; echo prepared")
                terminal.wait_for("\nprepared")
                asked = () if SANITIZED else (("no", "quern drain north"),)  # too slow for the one second that the broker has
                for typed, expected in (("quern dr", "quern drain"), *asked):
                    terminal.tmux("send-keys", "-t", "main", "-l", typed)
                    terminal.press("Tab")
                    terminal.wait_for(expected)
                terminal.press("C-u")
                terminal.tmux("send-keys", "-t", "main", "-l", "quern keys rev")
                terminal.press("Tab")
                terminal.wait_for("quern keys revoke")

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed (scripts/setup.sh)")
    def test_manual_pages_are_complete_and_without_warnings(self):
        folder = self.folder / "pages"
        self.ok("man", "--all", folder)
        commands = {words[0] for words in self.commands()}
        expected = {"quern.1", "quern-broker.1", "quern-worker.1"} | {f"quern-{command}.1" for command in commands}
        self.assertEqual({path.name for path in folder.iterdir()}, expected)
        for path in folder.iterdir():
            with self.subTest(page=path.name):
                done = subprocess.run(["groff", "-ww", "-man", "-Tascii", "-P-c", path], capture_output=True, text=True, timeout=60)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                shown = re.sub(".\b", "", done.stdout)  # bold text is overstruck
                for part in ("NAME", "SYNOPSIS", "EXAMPLES", "SEE ALSO"):
                    self.assertIn(f"\n{part}\n", shown)
        self.assertEqual(self.ok("man", "run").raw, (folder / "quern-run.1").read_bytes())
        self.assertEqual(self.ok("man", "quern-broker").raw, (folder / "quern-broker.1").read_bytes())
        self.assertEqual(self.ok("man").raw, (folder / "quern.1").read_bytes())
        self.assert_one_line(self.quern("man", "nothing"), 2, "nothing")

    def test_manual_pages_of_programs_list_their_options(self):
        for program in ("quern-broker", "quern-worker"):
            text = subprocess.run([BIN / program, "--help"], env=self.env, capture_output=True, text=True, timeout=60).stdout
            page = self.ok("man", program).out.replace("\\-", "-")
            options = [line.split()[0] for line in text.split("\n") if line.startswith("  --")]
            self.assertGreater(len(options), 5)
            for option in options:
                self.assertIn(f"\n\\fB{option}", page)


if __name__ == "__main__":
    unittest.main()
