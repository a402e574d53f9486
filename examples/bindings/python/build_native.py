# SPDX-License-Identifier: MIT
"""Writes the C source of the extension: build_native.py INCLUDE_DIRECTORY OUTPUT.c

The declarations come from the headers themselves; the compiler checks them against the headers once more."""

import pathlib
import re
import sys

import cffi


def declarations(include: pathlib.Path) -> str:
    text = ""
    for name in ("base", "queue", "origin", "broadcast", "track", "group", "session", "log"):
        text += (include / "comoq" / "c" / f"{name}.h").read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\\\n", " ", text)
    constants = re.findall(r"^#define (COMOQ_[A-Z_]+) +\S", text, flags=re.MULTILINE)
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    text = text.replace("COMOQ_API", "").replace('extern "C" {', "")
    text = re.sub(r"static inline [^{]*\{(?:[^{}]|\{[^}]*\})*\}", "", text)
    # What is left of the guards for C++ is a brace at the beginning of a line.
    text = re.sub(r"^\}\s*$", "", text, flags=re.MULTILINE)
    skipped = {"COMOQ_API", "COMOQ_INIT", "COMOQ_APP"}
    lines = [f"#define {name} ..." for name in constants if name not in skipped and not name.endswith("_H")]
    return text + "\n" + "\n".join(lines) + "\n"


def main() -> None:
    include, output = pathlib.Path(sys.argv[1]), sys.argv[2]
    ffi = cffi.FFI()
    ffi.cdef(declarations(include))
    ffi.set_source("comoq._native", "#include <comoq/c.h>", py_limited_api=True)
    ffi.emit_c_code(output)


main()
