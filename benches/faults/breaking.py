"""What may happen to a service: each fault is a function that makes it happen, and returns when it is over."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from faults.service import Service


def kill_worker(service: Service) -> None:
    os.kill(service.process_of("worker 1"), signal.SIGKILL)


def kill_writer(service: Service) -> None:
    os.kill(service.process_of("writer"), signal.SIGKILL)


def kill_writer_and_spare(service: Service) -> None:
    for process in (service.children()[-1], service.process_of("writer")):
        os.kill(process, signal.SIGKILL)


def no_room(service: Service) -> None:
    writer = service.process_of("writer")
    before = resource.prlimit(writer, resource.RLIMIT_FSIZE)
    resource.prlimit(writer, resource.RLIMIT_FSIZE, (1, before[1]))
    time.sleep(3)
    resource.prlimit(writer, resource.RLIMIT_FSIZE, before)


def full_disk(service: Service) -> None:
    """Nothing is left of the file system that the collection lies on, for three seconds."""
    ballast = service.place.parent / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            _quietly(lambda size=size: [file.write(b"x" * size) for _ in range(DISK_BYTES)])
        time.sleep(3)
    ballast.unlink()


def clock_jump(service: Service) -> None:
    for more in (86_400, -86_400, 0):
        service.jump.write_text(str(more))
        time.sleep(2)


def slow_clients(service: Service) -> None:
    lines = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(60)]
    for line in lines:
        line.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(8):
        for line in lines:
            _quietly(lambda line=line: line.sendall(b" "))
        time.sleep(1)
    for line in lines:
        line.close()


def huge_bodies(service: Service) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    for head in (b"Content-Length: 104857600", b"Transfer-Encoding: chunked"):
        with socket.create_connection(("127.0.0.1", service.port)) as line:
            line.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + head + b"\r\n\r\n")
            _quietly(lambda line=line: [line.sendall(chunk) for _ in range(1600)])


def many_connections(service: Service) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 12_000), hard))
    lines = []
    for _ in range(10_000):
        _quietly(lambda: lines.append(socket.create_connection(("127.0.0.1", service.port), timeout=5)))
    time.sleep(3)
    for line in lines:
        line.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def corrupt_stage(service: Service) -> None:
    file = max((service.place / "stages").rglob("*.safetensors"), key=lambda each: each.stat().st_size)
    kept = file.read_bytes()
    broken = file.with_suffix(".broken")  # in place of the file, so that processes that mapped it keep what they have
    broken.write_bytes(kept[: len(kept) // 2])
    broken.replace(file)
    kill_worker(service)
    time.sleep(5)
    broken.write_bytes(kept)
    broken.replace(file)


FULL_DISK, DISK_BYTES = "the disk is full for 3 s", 512 << 20
FAULTS: dict[str, Callable[[Service], None]] = {
    "nothing": lambda service: None,
    "kill -9 of a worker": kill_worker,
    "kill -9 of the writer": kill_writer,
    "kill -9 of the spare and the writer": kill_writer_and_spare,
    "no file of the writer can grow, for 3 s": no_room,
    FULL_DISK: full_disk,
    "the clock jumps": clock_jump,
    "60 slow clients": slow_clients,
    "100 MB bodies": huge_bodies,
    "10,000 open connections": many_connections,
    "a stage file cut in half, and a worker killed": corrupt_stage,
}  # fmt: skip


def _quietly(call: Callable[[], Any]) -> None:
    """What the other end does not want."""
    try:
        call()
    except OSError:
        return
