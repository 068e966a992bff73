"""Taking connections from a socket that several processes listen on, so that none has many while another has few."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from nearkin.service.board import Board

log = logging.getLogger("nearkin.service")
AT_ONCE = 64  # taken in one go where nobody else listens
COURTESY_S = 0.005  # how long one that holds more than another lets the other go first
FULL_S = 1.0  # before it is tried again when the system has no room for a connection


class Places:
    """How many connections each worker holds, as they tell one another on the board."""

    def __init__(self, board: Board, number: int) -> None:
        self.board, self.number = board, number

    def tell(self, held: int) -> None:
        self.board.tell_held(self.number, held)

    def has_more(self, held: int) -> bool:
        """Whether another worker that is alive holds fewer."""
        return any(other < held for other in self.board.held_by_others(self.number))


class Acceptor:
    """`begin`: makes the protocol of a connection; `held`: how many this process holds; `places`: None where it is alone."""

    def __init__(
        self, listening: socket.socket, begin: Callable[[], asyncio.Protocol], held: Callable[[], int], places: Places | None
    ) -> None:
        self.listening, self.begin, self.held, self.places = listening, begin, held, places
        self.loop = asyncio.get_running_loop()
        self._begun: set[asyncio.Task[object]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._listen()

    def close(self) -> None:
        self.loop.remove_reader(self.listening)
        if self._later is not None:
            self._later.cancel()

    def tell(self) -> int:
        held = self.held() + len(self._begun)
        if self.places is not None:
            self.places.tell(held)
        return held

    def _listen(self) -> None:
        self.loop.add_reader(self.listening, self._wanted)

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self.loop.remove_reader(self.listening)
        self._later = self.loop.call_later(seconds, then)

    def _wanted(self) -> None:
        held = self.tell()
        if self.places is None:
            self._take(AT_ONCE)
        elif self.places.has_more(held):
            self._pause(COURTESY_S, self._after_all)
        else:
            self._take(1)

    def _after_all(self) -> None:
        """Nobody who has fewer may have had the time to take it."""
        self._listen()
        self._take(1)

    def _take(self, most: int) -> None:
        try:
            for _ in range(most):
                connection, _ = self.listening.accept()
                connection.setblocking(False)
                beginning = self.loop.create_task(self._connected(connection))
                self._begun.add(beginning)
                beginning.add_done_callback(self._begun.discard)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            pass  # another process was quicker, or the other end is gone again
        except OSError as error:
            log.warning("no connection can be taken: %s; trying again in %g s", error, FULL_S)
            self._pause(FULL_S, self._listen)
        self.tell()

    async def _connected(self, connection: socket.socket) -> None:
        try:
            await self.loop.connect_accepted_socket(self.begin, connection)
        except OSError:
            connection.close()
