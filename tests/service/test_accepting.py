"""Connections are shared between processes that listen on one socket, and nobody waits for one that is not there."""

from __future__ import annotations

import asyncio
import socket

import pytest

from nearkin.service.accepting import Acceptor, Places
from nearkin.service.board import Board
from nearkin.service.server import listening_on


class Echo(asyncio.Protocol):
    def __init__(self, held: set[Echo]) -> None:
        self.held = held

    def connection_made(self, transport) -> None:
        self.held.add(self)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, error) -> None:
        self.held.discard(self)


async def echoed(port: int) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"here")
    assert await asyncio.wait_for(reader.readexactly(4), 10) == b"here"
    return writer


def shared(tmp_path, alive, clients):
    """How many connections each of two workers holds, of which those named are alive."""

    async def run() -> list[int]:
        board, listening = Board.create(tmp_path, 3), listening_on("127.0.0.1", 0)
        held: list[set[Echo]] = [set(), set()]
        for number in alive:
            board.beat(number)
        acceptors = [
            Acceptor(listening.dup(), lambda own=held[n - 1]: Echo(own), lambda own=held[n - 1]: len(own), Places(board, n)) for n in alive
        ]
        writers = await asyncio.gather(*(echoed(listening.getsockname()[1]) for _ in range(clients)))
        counts = [len(each) for each in held]
        for each in writers:
            each.close()
        for each in acceptors:
            each.close()
            each.listening.close()
        listening.close()
        await asyncio.sleep(0.05)
        return counts

    return asyncio.run(run())


def test_two_workers_take_as_many_connections_each(tmp_path):
    counts = shared(tmp_path, [1, 2], 20)
    assert sum(counts) == 20
    assert abs(counts[0] - counts[1]) <= 2


def test_one_alone_takes_all(tmp_path):
    assert shared(tmp_path, [1], 12) == [12, 0]


def test_one_who_holds_more_takes_in_the_end_what_nobody_else_takes(tmp_path):
    async def run() -> None:
        board, listening, held = Board.create(tmp_path, 3), listening_on("127.0.0.1", 0), set()
        board.beat(1)
        board.beat(2)  # it says that it is alive, but takes nothing
        acceptor = Acceptor(listening, lambda: Echo(held), lambda: len(held), Places(board, 1))
        writers = [await echoed(listening.getsockname()[1]) for _ in range(5)]
        assert len(held) == 5
        for each in writers:
            each.close()
        acceptor.close()
        listening.close()
        await asyncio.sleep(0.05)

    asyncio.run(run())


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), ConnectionAbortedError()])
def test_a_connection_that_cannot_be_taken_is_no_end(tmp_path, monkeypatch, error):
    monkeypatch.setattr("nearkin.service.accepting.FULL_S", 0.05)

    class Failing:
        def __init__(self, real: socket.socket) -> None:
            self.real, self.left = real, 2

        def fileno(self) -> int:
            return self.real.fileno()

        def accept(self):
            self.left -= 1
            if self.left >= 0:
                raise error
            return self.real.accept()

    async def run() -> None:
        listening, held = listening_on("127.0.0.1", 0), set()
        acceptor = Acceptor(Failing(listening), lambda: Echo(held), lambda: len(held), None)
        (await echoed(listening.getsockname()[1])).close()
        acceptor.close()
        listening.close()
        await asyncio.sleep(0.05)

    asyncio.run(run())
