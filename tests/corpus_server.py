"""A loopback HTTP server that answers like the world does, as each address's script says."""

import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ScriptedServer:
    """Serves one video under `/<behaviour>/<name>.mp4` and counts the requests for each path."""

    def __init__(self, video: bytes) -> None:
        self.video = video
        self.gets: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def address(self, behaviour: str, name: str = "v") -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{behaviour}/{name}.mp4"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_HEAD(self) -> None:
                self.answer(body=False)

            def do_GET(self) -> None:
                outer.gets[self.path] += 1
                self.answer(body=True)

            def answer(self, body: bool) -> None:
                outer.seen[self.path] += 1
                behaviour = self.path.split("/")[1]
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    other = self.later if behaviour.startswith("later_") else self.by_number
                    getattr(self, f"do_{behaviour}", other)(behaviour, body)

            def by_number(self, behaviour: str, body: bool) -> None:
                self.send_response(int(behaviour))
                if behaviour == "429":
                    self.send_header("Retry-After", "77")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def head(self, length: int, kind: str = "video/mp4") -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(length))
                self.end_headers()

            def do_200(self, _: str, body: bool) -> None:
                self.head(len(outer.video))
                self.wfile.write(outer.video if body else b"")

            def do_flaky(self, behaviour: str, body: bool) -> None:
                if outer.seen[self.path] == 1:
                    self.by_number("500", body)
                else:
                    self.do_200(behaviour, body)

            def do_reset(self, _: str, body: bool) -> None:
                self.head(len(outer.video))
                self.wfile.write(outer.video[: len(outer.video) // 2])
                self.wfile.flush()
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

            def do_stall(self, _: str, body: bool) -> None:
                self.head(len(outer.video))
                self.wfile.write(outer.video[:5000])
                self.wfile.flush()
                time.sleep(6)

            def do_trickle(self, _: str, body: bool) -> None:
                self.head(len(outer.video))
                for start in range(0, 400_000, 2000):
                    self.wfile.write(outer.video[start : start + 2000])
                    self.wfile.flush()
                    time.sleep(0.1)

            def do_truncated(self, _: str, body: bool) -> None:
                self.head(len(outer.video))
                self.wfile.write(outer.video[: len(outer.video) // 2])
                self.close_connection = True

            def do_overlong(self, _: str, body: bool) -> None:
                """Its length promises more than there is."""
                self.head(len(outer.video) + 1000)
                self.wfile.write(outer.video if body else b"")
                self.close_connection = True

            def do_understated(self, _: str, body: bool) -> None:
                """Its length promises half of what it sends."""
                self.head(len(outer.video) // 2)
                self.wfile.write(outer.video if body else b"")
                self.close_connection = True

            def later(self, behaviour: str, body: bool) -> None:
                """As YouTube's media hosts: found without trouble, then ffmpeg's own requests fail."""
                if self.headers.get("Icy-MetaData"):  # what ffmpeg asks for and nobody else
                    name = behaviour.removeprefix("later_")
                    getattr(self, f"do_{name}", self.by_number)(name, body)
                else:
                    self.do_200(behaviour, body)

            def do_resumable(self, _: str, body: bool) -> None:
                """Knows ranges; the first answer breaks off half way."""
                asked = self.headers.get("Range")
                same = self.headers.get("If-Range") == '"tag"'
                start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and same else 0
                whole = outer.video[start:]
                if asked and same and not whole:
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(outer.video)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206 if start else 200)
                self.send_header("ETag", '"tag"')
                self.send_header("Content-Length", str(len(whole)))
                if start:
                    self.send_header("Content-Range", f"bytes {start}-/{len(outer.video)}")
                self.end_headers()
                outer.sent[self.path] += len(whole)
                if outer.seen[self.path] == 1:
                    whole = whole[: len(whole) // 2]
                    self.close_connection = True
                self.wfile.write(whole)

            def do_html(self, _: str, body: bool) -> None:
                page = b"<html><body>Please accept our cookies</body></html>"
                self.head(len(page), "text/html")
                self.wfile.write(page if body else b"")

            def do_loop(self, _: str, body: bool) -> None:
                self.send_response(302)
                self.send_header("Location", self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()

        return Handler
