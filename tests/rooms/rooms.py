"""Which room may include which: the table as data, and the check of a source tree against it.

A file belongs to the first room whose pattern matches its path. An include is allowed when the room names its kind. What is in
no list is refused, so a new room, a new library or a new system header has to be thought about once.
"""

import fnmatch
import pathlib
import re
from typing import NamedTuple

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCES = ("*.hpp", "*.cpp", "*.h", "*.inc")

# Standard headers that a pure core has no use for: threads, files, streams.
IMPURE_STD = {
    "thread", "mutex", "shared_mutex", "condition_variable", "future", "stop_token", "semaphore", "latch", "barrier",
    "fstream", "filesystem", "iostream", "istream", "ostream", "sstream", "random", "csignal", "ctime",
}
STD = {
    "algorithm", "any", "array", "atomic", "barrier", "bit", "bitset", "cassert", "cctype", "cerrno", "cfloat", "charconv",
    "chrono", "cinttypes", "climits", "cmath", "compare", "complex", "concepts", "condition_variable", "coroutine", "csignal",
    "cstdarg", "cstddef", "cstdint", "cstdio", "cstdlib", "cstring", "ctime", "deque", "exception", "filesystem", "fstream",
    "functional", "future", "initializer_list", "iomanip", "ios", "iosfwd", "iostream", "istream", "iterator", "latch",
    "limits", "list", "map", "memory", "mutex", "new", "numbers", "numeric", "optional", "ostream", "queue", "random",
    "ranges", "ratio", "regex", "semaphore", "set", "shared_mutex", "source_location", "span", "sstream", "stack",
    "stdexcept", "stop_token", "streambuf", "string", "string_view", "system_error", "thread", "tuple", "type_traits",
    "typeindex", "typeinfo", "unordered_map", "unordered_set", "utility", "variant", "vector", "version",
}
POSIX = re.compile(r"^(sys|linux|netinet|arpa|net)/\w+\.h$|^(unistd|fcntl|poll|sched|signal|pthread|dlfcn|dirent|fnmatch|spawn|errno|glob|"
                   r"limits|ifaddrs|netdb|termios|pwd|stdlib|string|time)\.h$")
LIBRARIES = [
    ("zmq", re.compile(r"^zmq(_addon)?\.h(pp)?$")),
    ("msgpack", re.compile(r"^msgpack(\.hpp|/)")),
    ("nlohmann", re.compile(r"^nlohmann/")),
    ("options", re.compile(r"^boost/program_options")),
    ("log", re.compile(r"^spdlog/")),
    ("gtest", re.compile(r"^g(test|mock)/")),
    ("sqlite", re.compile(r"^sqlite3\.h$")),
    ("sodium", re.compile(r"^sodium(\.h|/)")),
    ("http", re.compile(r"^boost/(asio|beast)")),
    ("tls", re.compile(r"^openssl/")),
    ("date", re.compile(r"^date/")),
]
OWN_ROOMS = ("notation", "calendar", "process", "wire", "runtime", "link", "value", "client", "keys", "cli",
             "bench", "json", "gateway", "broker/core", "broker/actors", "worker/core", "worker/actors", "worker/process",
             "worker/functions", "command")


class Room(NamedTuple):
    pattern: str      # of paths from the top of the tree
    allowed: set      # kinds of include
    pure: bool = False  # no clock is read, nothing is printed


PUBLIC = {"std", "public"}
# The client's room holds the pure core and the actor around it; what the actor's files are is said
# here.
CLIENT_SHELL = {"std", "posix", "public", "client", "wire", "runtime", "link", "value", "zmq", "keys"}
CORE = {"pure std", "public", "wire", "calendar"}

ROOMS = [
    Room("sdk/include/quern/typed.hpp", PUBLIC | {"msgpack"}),
    Room("sdk/include/*", PUBLIC),
    Room("sdk/notation/base64.cpp", PUBLIC | {"notation", "sodium"}, pure=True),
    Room("sdk/notation/*", PUBLIC | {"notation"}, pure=True),
    Room("sdk/calendar/zone.cpp", {"std", "calendar", "date"}),
    Room("sdk/calendar/*", {"pure std", "calendar"}, pure=True),
    Room("sdk/process/*", {"std", "posix", "process"}),
    Room("sdk/wire/codec*", PUBLIC | {"notation", "wire", "codec", "msgpack"}),
    Room("sdk/wire/*", PUBLIC | {"notation", "wire", "codec", "posix"}),
    Room("sdk/runtime/log.cpp", {"std", "notation", "runtime", "log"}),
    Room("sdk/runtime/*", {"std", "posix", "runtime", "zmq"}),
    Room("sdk/link/*", PUBLIC | {"link", "wire", "codec", "runtime", "keys", "zmq"}),
    Room("sdk/value/*", PUBLIC | {"notation", "value", "nlohmann", "msgpack"}),
    Room("sdk/command/*", PUBLIC | {"command", "msgpack"}),
    Room("sdk/keys/*", {"std", "posix", "public", "notation", "keys", "sodium"}),
    Room("sdk/json/*", PUBLIC | {"json", "notation", "nlohmann"}, pure=True),
    Room("sdk/cli/*", PUBLIC | {"posix", "cli", "calendar", "process", "notation", "keys", "json", "options", "nlohmann"}),
    Room("sdk/gateway/http/*", PUBLIC | {"posix", "gateway", "http", "tls", "nlohmann"}),
    # pull: a worker of its own kind around a pure core
    Room("sdk/gateway/pull/core*", CORE | {"gateway"}, pure=True),
    Room("sdk/gateway/leases/*", PUBLIC | {"posix", "gateway", "notation", "keys", "json", "nlohmann",
                                           "wire"}),
    Room("sdk/gateway/pull/*", PUBLIC | {"posix", "gateway", "notation", "keys", "json", "nlohmann",
                                         "wire", "link", "zmq"}),
    Room("sdk/gateway/*", PUBLIC | {"posix", "calendar", "gateway", "notation", "keys", "json", "options", "nlohmann"}),
    Room("sdk/bench/*", PUBLIC | {"posix", "cli", "bench", "notation", "keys", "options", "nlohmann",
                                  "zmq"}),
    Room("sdk/examples/*", PUBLIC | {"worker face", "keys", "options", "nlohmann", "http"}),
    Room("broker/core/*", CORE | {"broker/core"}, pure=True),
    Room("worker/core/*", CORE | {"worker/core"}, pure=True),
    Room("broker/actors/*", PUBLIC | {"posix", "calendar", "broker/core", "broker/actors", "notation", "wire", "codec", "runtime", "link",
                                      "keys", "zmq", "options", "log", "sqlite", "sodium"}),
    Room("worker/include/*", PUBLIC | {"worker face"}),
    # keys: the hash of a file
    Room("worker/process/*", PUBLIC | {"posix", "worker face", "worker/process", "process",
                                       "notation", "keys"}),
    Room("worker/actors/*", PUBLIC | {"posix", "worker face", "worker/core", "worker/actors",
                                      "worker/process", "process", "notation", "wire", "codec",
                                      "runtime", "link", "value", "keys", "zmq", "options", "log"}),
    Room("worker/functions/*", PUBLIC | {"worker face", "worker/functions", "wire", "posix"}),  # wire: the number codec
]
# Folders inside a room, the lowest first: a file may include its own folder and those before it.
# What lies in the room itself,
# beside its folders, is the face over all of them.
LAYERS = {
    "sdk/cli": ["syntax", "output", "process", "request", "live", "commands"],
    "sdk/gateway": ["http", "page", "broker", "api", "pull", "people", "leases"],
    "broker/core": ["base", "durability", "access", "sessions", "workers", "jobs", "scheduling", "blobs", "endings",
                    "edges", "nesting", "schedules",
                    "status", "clients", "membership"],
}
INCLUDED_AS = {"sdk/cli": "cli", "sdk/gateway": "gateway"}  # the others are included by their path

# A check of our own bugs says what is wrong before it aborts.
DYING_WORDS = re.compile(r"(^|/)[a-z_]*check\.(cpp|hpp)$")
CLIENT_CORE_FILES = {"core", "core_check", "core_compare", "core_messages", "effects", "session", "live_job", "input_ledger"}

# Names that read a clock or print; a pure core is told the time and returns effects.
IMPURE_WORDS = re.compile(r"\b(steady_clock|system_clock|high_resolution_clock)::now\b|\b(printf|fprintf|puts|getenv)\s*\(|"
                          r"\bstd::(cout|cerr|clog)\b")

TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "broker", "worker", "sdk", "tests", "scripts", "README.md"}
OUTSIDE = {"build"}  # build output, not part of the tree


def room_of(path):
    """The room of a file, or None if no row of the table matches it."""
    if path.startswith("sdk/client/"):
        core = pathlib.PurePath(path).stem in CLIENT_CORE_FILES
        return Room("sdk/client/*", (CORE if core else CLIENT_SHELL) | {"client"}, pure=core)
    return next((room for room in ROOMS if fnmatch.fnmatch(path, room.pattern)), None)


def kinds_of(name):
    """The kinds of an included name, each of which suffices to allow it; empty if it is unknown."""
    if name in STD:
        return {"std"} if name in IMPURE_STD else {"std", "pure std"}
    if POSIX.match(name):
        return {"posix"}
    if name in ("quern/worker.hpp", "quern/functions.hpp", "quern/task.hpp"):
        return {"worker face"}
    if name.startswith("quern/"):
        return {"public"}
    if name.startswith("wire/codec"):
        return {"codec"}
    for room in OWN_ROOMS:
        if name.startswith(room + "/"):
            return {room}
    return {kind for kind, pattern in LIBRARIES if pattern.match(name)}


def without_comments(text):
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.DOTALL)
    return re.sub(r"//[^\n]*", "", text)


def check_layers(path, name):
    """Why an include goes upwards between the folders of one room, or None."""
    for room, folders in LAYERS.items():
        prefix = INCLUDED_AS.get(room, room) + "/"
        if not path.startswith(room + "/") or not name.startswith(prefix):
            continue
        own, other = path[len(room) + 1:].split("/"), name[len(prefix):].split("/")
        if len(own) == 1:
            return None  # the face
        if len(other) == 1:
            return f"{own[0]} is below the face of {room}"
        for folder in (own[0], other[0]):
            if folder not in folders:
                return f"{room}/{folder} is in no row of LAYERS"
        if folders.index(other[0]) > folders.index(own[0]):
            return f"{own[0]} is below {other[0]}"
    return None


def check_file(path, text):
    """Violations in one file, each a sentence that begins with path:line."""
    room = room_of(path)
    if room is None:
        return [f"{path}:1: is in no room of the table"]
    code = without_comments(text)
    found = []
    for match in INCLUDE.finditer(code):
        name = match.group(2)
        line = code.count("\n", 0, match.start(2)) + 1
        kinds = kinds_of(name)
        if not kinds:
            found.append(f"{path}:{line}: nobody knows what {name} is")
        elif not kinds & room.allowed:
            found.append(f"{path}:{line}: {room.pattern} may not include {name}")
        elif upwards := check_layers(path, name):
            found.append(f"{path}:{line}: may not include {name}: {upwards}")
    if room.pure and not DYING_WORDS.search(path):
        for match in IMPURE_WORDS.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{line}: a pure core may not use {match.group().strip(' (')}")
    return found


def check_tree(top):
    """Violations in the whole tree below `top`."""
    top = pathlib.Path(top)
    found = []
    for folder in ("sdk", "broker", "worker"):
        for pattern in SOURCES:
            for file in sorted((top / folder).rglob(pattern)):
                found += check_file(file.relative_to(top).as_posix(), file.read_text(encoding="utf-8"))
    for entry in sorted(top.iterdir()):
        known = entry.name in TOP_LEVEL or entry.name in OUTSIDE or entry.name.startswith(".")
        if not known:
            found.append(f"{entry.name}:1: the top level is closed")
    return found
