"""Verbs made methods, of a client that waits and of one that is awaited."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import update_wrapper
from inspect import Parameter, signature
from typing import Any, Concatenate, ParamSpec, TypeVar

from nearkin.client.calls import Verb

P = ParamSpec("P")
T = TypeVar("T")


def plain(make: Callable[P, Verb[T]]) -> Callable[Concatenate[Any, P], T]:
    """A method that does the verb and returns what it makes."""

    def method(self: Any, /, *given: P.args, **named: P.kwargs) -> T:
        return self._run(make(*given, **named))  # type: ignore[no-any-return]

    _sign(method, make)
    return method


def awaited(make: Callable[P, Verb[T]]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """The same to be awaited."""

    async def method(self: Any, /, *given: P.args, **named: P.kwargs) -> T:
        return await self._run(make(*given, **named))  # type: ignore[no-any-return]

    _sign(method, make)
    return method


def _sign(method: Any, make: Callable[..., Any]) -> None:
    """Name and tell of the method as of what it is made of, `self` first, as help and inspect show methods."""
    update_wrapper(method, make)
    shape = signature(make)
    first = Parameter("self", Parameter.POSITIONAL_ONLY)
    method.__signature__ = shape.replace(parameters=[first, *shape.parameters.values()])
