"""Bundles the page and writes it as a C++ source: embed.py --esbuild PATH --charts FILE --out DIR.

DIR then has site/, which any web server can serve, and files.cpp, which defines page_files() of
files.hpp. The names of all files but index.html contain a hash of their content.
"""

import argparse
import gzip
import hashlib
import json
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8"}
PIECE = 2000  # bytes in one string literal


def bundle(esbuild, charts, site):
    """Runs esbuild; returns the names of the files by their entry points."""
    names = {}
    # The stream's worker is a script of its own, not a module: Firefox before 114 knows no others.
    for form, entries, more in (("esm", ("src/main.js", "style/main.css"), ["--splitting"]),
                                ("iife", ("src/stream/worker.js",), [])):
        meta = site / "meta.json"
        command = [esbuild, *entries, "--bundle", "--minify", f"--format={form}", *more,
                   "--target=es2020", "--charset=utf8", "--entry-names=assets/[name]-[hash]",
                   "--chunk-names=assets/[name]-[hash]", f"--alias:dygraphs={charts}",
                   f"--outdir={site}", f"--metafile={meta}", "--log-level=warning"]
        subprocess.run(command, cwd=HERE, check=True)
        for path, output in json.loads(meta.read_text())["outputs"].items():
            if "entryPoint" in output:
                names[output["entryPoint"]] = pathlib.PurePath(path).name
        meta.unlink()
    return names


def index_with(names):
    text = (HERE / "index.html").read_text()
    for entry in ("src/main.js", "style/main.css", "src/stream/worker.js"):
        place = "{" + entry + "}"
        assert place in text, f"index.html does not mention {place}"
        text = text.replace(place, "assets/" + names[entry])
    return text


def literal(data):
    """Bytes as C++ string literals. Octal escapes end after three digits, whatever follows."""
    plain = {byte: chr(byte) for byte in range(32, 127)}
    plain.update({ord('"'): '\\"', ord("\\"): "\\\\", ord("?"): "\\?"})
    lines = []
    for begin in range(0, len(data), PIECE):
        lines.append("".join(plain.get(byte) or f"\\{byte:03o}" for byte in data[begin:begin + PIECE]))
    return "\n".join(f'    "{line}"' for line in lines)


def source_of(files):
    parts = ['#include "gateway/page/files.hpp"', "", "namespace quern::gateway {", "namespace {", ""]
    rows = []
    for n, (name, data) in enumerate(files):
        zipped = gzip.compress(data, 9, mtime=0)
        parts += [f"constexpr char kPlain{n}[] =", literal(data) + ";",
                  f"constexpr char kZipped{n}[] =", literal(zipped) + ";"]
        tag = hashlib.sha256(data).hexdigest()[:16]
        kind = TYPES[pathlib.PurePath(name).suffix]
        rows.append(f'    {{"{name}", "{kind}", "{tag}",\n     {{kPlain{n}, {len(data)}}},'
                    f" {{kZipped{n}, {len(zipped)}}}}},")
    parts += ["constexpr PageFile kFiles[] = {", *rows, "};", "", "}  // namespace", "",
              f"PageFiles page_files() {{ return {{kFiles, {len(files)}}}; }}", "",
              "}  // namespace quern::gateway", ""]
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--esbuild", required=True)
    parser.add_argument("--charts", required=True, help="dygraph.min.js")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    given = parser.parse_args()
    site = given.out / "site"
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(parents=True)
    names = bundle(given.esbuild, given.charts, site)
    (site / "index.html").write_text(index_with(names))
    files = [(path.name, path.read_bytes())
             for path in sorted(site.rglob("*")) if path.is_file()]
    (given.out / "files.cpp").write_text(source_of(files))


if __name__ == "__main__":
    main()
