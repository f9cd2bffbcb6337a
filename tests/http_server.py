"""A real server in its own process, with the real models; and the very bytes that it answers."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import httpx

MIEN = (
    sys.executable,
    "-c",
    "import ctypes; ctypes.CDLL(None).prctl(1, 9)\n"  # PR_SET_PDEATHSIG, SIGKILL: it does not outlive its tests
    "from mien.cli.main import main; main()",
)
"""The command, for a server of a test; on Linux."""


@dataclass
class Server:
    process: subprocess.Popen[str]
    folder: Path
    url: str
    token: str
    log: list[str] = field(default_factory=list)
    """What it says on stderr after its start."""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self, token: str | None = None) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"x-api-key": token or self.token}, timeout=60)

    def mien(self, *arguments: str) -> dict[str, object]:
        done = subprocess.run(
            [sys.executable, "-m", "mien", *arguments, "--json"],
            env=self.env(),
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    def env(self) -> dict[str, str]:
        return {**os.environ, "MIEN_STATE": str(self.folder / "state.sqlite")}

    def rss(self) -> int:
        """Bytes of the server itself, without its decoders."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def decoders(self) -> list[int]:
        children: set[int] = set()
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
                children |= {int(pid) for pid in (task / "children").read_text().split()}
        return sorted(pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())

    def raw(self, head: str, body: bytes = b"", *, key: bool = True, timeout: float = 60) -> bytes:
        """What the server says to these very bytes, until it closes the connection."""
        lines = head + (f"\r\nx-api-key: {self.token}" if key else "") + "\r\nhost: server\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as line:
            line.sendall(lines.encode())
            try:
                line.sendall(body)
                return b"".join(iter(lambda: line.recv(65536), b""))
            except (ConnectionResetError, BrokenPipeError):
                return b""


def start(folder: Path, *options: str) -> Server:
    environment = {**os.environ, "MIEN_STATE": str(folder / "state.sqlite")}
    process = subprocess.Popen(
        [*MIEN, "serve", "-g", str(folder / "family.mien"), "--port", "0", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = process.stdout.readline()
    token = said.removeprefix("admin key: ").strip()
    for line in process.stderr:
        if found := re.search(r"serving .* at (https?://[\w.]+:\d+)", line):
            server = Server(process, folder, found[1], token)
            threading.Thread(target=_listen, args=(server,), daemon=True).start()
            return server
    raise AssertionError(f"the server ended with {process.wait()}")


def _listen(server: Server) -> None:
    with server.process.stderr:
        server.log.extend(server.process.stderr)


def stop(server: Server) -> None:
    server.process.kill()
    server.process.wait()
    server.process.stdout.close()


def files(*paths: Path) -> list[tuple[str, tuple[str, bytes]]]:
    return [("image", (path.name, path.read_bytes())) for path in paths]
