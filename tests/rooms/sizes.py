"""How large the classes of the pure cores are: a class that has grown past a limit has become several things."""

import pathlib
import re
from typing import NamedTuple

METHODS_MOST = 40
MEMBERS_MOST = 15
PURE = ("broker/core", "worker/core", "sdk/gateway/pull", "sdk/gateway/people")
# Records that are written or set as a whole, field by field. They have no behaviour to divide.
RECORDS = {"Config", "JobProgress", "JobBirth"}
# Classes outside the broker's core that were too large when the limits came. They may shrink, and
# leave this list; they may not grow.
LARGE = {"WorkerCore": (43, 15), "PullCore": (51, 15), "PullWorker": (40, 17)}

CLASS = re.compile(r"\b(?:class|struct)\s+(\w+)\s*(?:final\s*)?(?::[^;{}()]*)?\{")
NOT_A_MEMBER = re.compile(r"^(using|friend|static_assert|enum|typedef|template\s*<[^>]*>\s*using|static\s+constexpr|inline\s+constexpr)\b")


class Size(NamedTuple):
    name: str
    line: int
    methods: int
    members: int


def without_comments(text):
    text = re.sub(r'"(\\.|[^"\\\n])*"', '""', text)
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.DOTALL)
    return re.sub(r"//[^\n]*", "", text)


def end_of(text, begin):
    """The index of the brace that closes the one before `begin`."""
    depth = 1
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return len(text)


def statements(body):
    """The declarations of a class body, bodies of functions and of nested classes left out."""
    out, current, at = [], "", 0
    while at < len(body):
        char = body[at]
        if char == "{":
            end = end_of(body, at + 1)
            nested = re.match(r"\s*(?:(?:public|private|protected):\s*)*(?:template\s*<.*?>\s*)?(?:class|struct|enum)\b", current, re.DOTALL)
            function = ")" in current and not nested
            at = end + 1
            if nested:
                current = "" if body[at:].lstrip().startswith(";") else "nested "
            elif function and not body[at:].lstrip().startswith((",", "{", ";")):
                out.append(current)
                current = ""
            continue
        if char == ";":
            out.append(current)
            current = ""
        else:
            current += char
        at += 1
    cleaned = (re.sub(r"\b(public|private|protected):", "", one).strip() for one in out)
    return [one for one in cleaned if one]


def is_method(statement):
    """Whether a declaration has a list of parameters (templates of types may have parentheses, too)."""
    flat = statement
    while re.search(r"<[^<>]*>", flat):
        flat = re.sub(r"<[^<>]*>", "", flat)
    before = flat.split("=")[0]
    return "(" in before


def is_handler(statement):
    """Whether it is an overload for one message of the protocol: together they count as one."""
    return re.match(r"void handle\(", statement) is not None


def members_of(statement):
    flat = statement
    while re.search(r"<[^<>]*>", flat):
        flat = re.sub(r"<[^<>]*>", "", flat)
    return flat.count(",") + 1


def sizes_of(text):
    code = without_comments(text)
    found = []
    for match in CLASS.finditer(code):
        if re.search(r"\benum\s*$", code[:match.start()]):
            continue
        body = code[match.end():end_of(code, match.end())]
        methods = members = handlers = 0
        for statement in statements(body):
            if NOT_A_MEMBER.match(statement):
                continue
            if is_method(statement):
                handlers += is_handler(statement)
                methods += not is_handler(statement)
            elif re.match(r"(class|struct)\s+\w+$", statement) is None:
                members += members_of(statement)
        line = code.count("\n", 0, match.start()) + 1
        found.append(Size(match.group(1), line, methods + (handlers > 0), members))
    return found


def check_tree(top):
    """Classes that are too large, each a sentence beginning with path:line."""
    found = []
    for room in PURE:
        for file in sorted((pathlib.Path(top) / room).rglob("*.?pp")):
            path = file.relative_to(top).as_posix()
            for size in sizes_of(file.read_text(encoding="utf-8")):
                if size.name in RECORDS:
                    continue
                methods, members = METHODS_MOST, MEMBERS_MOST
                if not path.startswith("broker/"):
                    methods, members = LARGE.get(size.name, (methods, members))
                if size.methods > methods:
                    found.append(f"{path}:{size.line}: {size.name} has {size.methods} methods, more than {methods}: divide it")
                if size.members > members:
                    found.append(f"{path}:{size.line}: {size.name} has {size.members} members, more than {members}: divide it")
    return found
