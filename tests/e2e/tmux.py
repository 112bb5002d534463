"""A real terminal for tests: a shell in a window of tmux that tests type into and read. Tests wait
for conditions.
"""

import pathlib
import shlex
import subprocess

from rig import wait_until


class Tmux:
    """A separate tmux server with one window; it ends with the test."""

    def __init__(self, rig, columns=100, rows=30, shell="bash --norc --noprofile", name="tmux"):
        self.rig = rig
        self.socket = rig.folder / f"{name}.socket"
        config = rig.write("tmux.conf", "set -g status off\nset -g default-terminal screen\n")
        rig.env.pop("TMUX", None)
        self.tmux("-f", config, "new-session", "-d", "-s", "main", "-x", columns, "-y", rows, shell)
        rig.addCleanup(self.close)
        # A prompt that differs from all other text, including the line that sets it.
        self.type("PS1='rea''dy> '")
        self.wait_for("ready>")

    def tmux(self, *words):
        done = subprocess.run([str(word) for word in ("tmux", "-S", self.socket, *words)], env=self.rig.env, capture_output=True,
                              text=True, cwd=self.rig.folder, timeout=60)
        self.rig.assertEqual(done.returncode, 0, f"{words}: {done.stderr}")
        return done.stdout

    def close(self):
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], capture_output=True, timeout=60)

    def type(self, line):
        """Types a line and presses Enter."""
        self.tmux("send-keys", "-t", "main", "-l", line)
        self.tmux("send-keys", "-t", "main", "Enter")

    def run(self, *words):
        """Starts a command in the shell."""
        self.type(shlex.join(str(word) for word in words))

    def press(self, key):
        self.tmux("send-keys", "-t", "main", key)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-t", "main", "-x", columns, "-y", rows)

    def lines(self):
        return self.tmux("capture-pane", "-p", "-t", "main").split("\n")[:-1]

    def screen(self):
        return "\n".join(self.lines())

    def flag(self, name):
        """A flag of the terminal, as tmux knows it: alternate_on, cursor_flag, wrap_flag."""
        return self.tmux("display-message", "-p", "-t", "main", f"#{{{name}}}").strip()

    def pid(self):
        """The process in the foreground: the only child of the shell."""
        shell = self.flag("pane_pid")
        return int(pathlib.Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])

    def wait_for(self, text, gone=False):
        """Waits until the screen shows that text (or no longer shows it) and returns the screen."""
        last = [""]

        def there():
            last[0] = self.screen()
            return (text in last[0]) != gone and last

        try:
            return wait_until(there, f"{text!r} {'gone from' if gone else 'on'} the terminal")[0]
        except AssertionError as error:
            raise AssertionError(f"{error}; there is:\n{last[0]}") from None
