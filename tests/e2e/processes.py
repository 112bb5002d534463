"""Finds the processes that a worker has started by their mark."""

import os
import pathlib


def marked_processes(name=None, mark=b"QUERN_MARK=", folder=None, parent=None):
    """Process ids of programs (of that name, in that folder, of that parent) that carry a worker's mark.
    """
    found = []
    for place in pathlib.Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            environment = (place / "environ").read_bytes()
            comm = (place / "comm").read_text().strip()
            elsewhere = folder and pathlib.Path(os.readlink(place / "cwd")) != folder.resolve()
            state, above = (place / "stat").read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        fits = (name is None or comm == name) and (parent is None or int(above) == parent)
        if state != "Z" and mark in environment and not elsewhere and fits:
            found.append(int(place.name))
    return found
