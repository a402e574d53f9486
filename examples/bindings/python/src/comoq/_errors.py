# SPDX-License-Identifier: MIT
"""Failures: a class for each code that programs tell apart."""

from __future__ import annotations

from typing import Dict, Optional, Type

from ._native import ffi, lib


class Error(Exception):
    """A call failed. `code` is the number that comoq/c.h has for the reason."""

    def __init__(self, code: int, text: Optional[str] = None) -> None:
        super().__init__(text if text is not None else text_of(code))
        self.code = code


class NotFound(Error):
    """Nobody has it, and no handler makes it."""


class Unauthorized(Error):
    """Outside of what this handle may see or publish."""


class Closed(Error):
    """It has ended well, or the handle was closed."""


class Dropped(Error):
    """A producer went without `finish()`."""


class Cancelled(Error):
    """The other side does not want it any more."""


class InvalidPath(Error):
    """The text is not a path."""


class Lagged(Error):
    """The reader was too slow: what it had not read was dropped."""


class Duplicate(Error):
    """The name, or the number, exists already."""


class AppError(Error):
    """An application's own code, from a handler or a publisher: `number`."""

    def __init__(self, code: int, number: int) -> None:
        super().__init__(code)
        self.number = number


_classes: Dict[int, Type[Error]] = {
    lib.COMOQ_NOT_FOUND: NotFound,
    lib.COMOQ_UNAUTHORIZED: Unauthorized,
    lib.COMOQ_CLOSED: Closed,
    lib.COMOQ_ERROR_HANDLE: Closed,
    lib.COMOQ_DROPPED: Dropped,
    lib.COMOQ_CANCELLED: Cancelled,
    lib.COMOQ_INVALID_PATH: InvalidPath,
    lib.COMOQ_LAGGED: Lagged,
    lib.COMOQ_DUPLICATE: Duplicate,
}


def text_of(code: int) -> str:
    """What a code means, in English."""
    size = lib.comoq_code_text(code, ffi.NULL, 0)
    buffer = ffi.new("char[]", size + 1)
    lib.comoq_code_text(code, buffer, size + 1)
    return bytes(ffi.buffer(buffer, size)).decode()


def error_of(code: int) -> Exception:
    """The exception of a negative code."""
    if code == lib.COMOQ_ERROR_MEMORY:
        return MemoryError()
    if code == lib.COMOQ_ERROR_ARGUMENT:
        return ValueError(text_of(code))
    number = ffi.new("uint32_t *")
    if lib.comoq_app_code(code, number) == lib.COMOQ_READY:
        return AppError(code, int(number[0]))
    return _classes.get(code, Error)(code)


def app_code(number: int) -> int:
    """The code of an application's number."""
    if not 0 <= number <= 0x7EFFFFFF:
        raise ValueError("an application's number is from 0 to 0x7effffff")
    return -(64 + number) if number < 0xFFC0 else -(0x1000000 + number)


def code_of(reason: "int | Error") -> int:
    """What a rejection carries: an application's number, or the code of an error."""
    return reason.code if isinstance(reason, Error) else app_code(reason)


def check(code: int) -> int:
    """The result of a call; raises if that is a failure."""
    if code < 0:
        raise error_of(code)
    return code
