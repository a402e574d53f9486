# SPDX-License-Identifier: MIT
"""What all objects have in common."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Optional, Type, TypeVar

from ._errors import Closed, check
from ._native import ffi, lib

T = TypeVar("T", bound="Handle")


class Handle:
    """Holds an object of the library until `close()`, the end of a `with` or `async with`, or the collector."""

    __slots__ = ("_handle", "__weakref__")

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def close(self) -> None:
        """Lets go of it. What that ends, the class says. Does nothing the second time."""
        handle, self._handle = self._handle, 0
        if handle:
            lib.comoq_close(handle)

    @property
    def is_closed_here(self) -> bool:
        """Whether `close()` was called."""
        return self._handle == 0

    def __del__(self) -> None:
        try:
            self.close()
        except (AttributeError, TypeError):  # the interpreter is ending
            pass

    def __enter__(self: T) -> T:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    async def __aenter__(self: T) -> T:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


def shared(cls: Type[T], of: Handle) -> T:
    """Another handle on the same object."""
    out = ffi.new("comoq_handle *")
    check(lib.comoq_retain(of._handle, out))
    return cls(int(out[0]))


def make(cls: Type[T], call: Any, *arguments: Any) -> T:
    """The object that a call gives in its last argument."""
    out = ffi.new("uint64_t *")
    check(call(*arguments, out))
    return cls(int(out[0]))


class Text:
    """A text as an argument: it keeps the memory for as long as the call takes."""

    __slots__ = ("_data", "string")

    def __init__(self, text: str) -> None:
        self._data = text.encode()
        self.string = ffi.new("comoq_string *", {"data": ffi.from_buffer(self._data), "size": len(self._data)})

    @property
    def value(self) -> Any:
        return self.string[0]


def text_of(string: Any) -> str:
    """The text that a call has given."""
    return bytes(ffi.buffer(string.data, string.size)).decode() if string.size else ""


def live_handles() -> int:
    """How many handles the process has: for tests. A loop that has waited has one for its queue."""
    return int(lib.comoq_live_handles())


__all__ = ["Closed", "Handle", "Text", "live_handles", "make", "shared", "text_of"]
