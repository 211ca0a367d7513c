"""A loopback server of one file that gives ranges, breaks and refuses as it is told."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves `content` at every address.

    Args:
        breaks: each answer ends after so many bytes, though its length promises more; None never.
        ranges: whether a part can be asked for.
        status: answered instead of the content, where it is not 200.
    """

    def __init__(
        self, content: bytes, breaks: int | None = None, ranges: bool = True, status: int = 200
    ) -> None:
        self.content = content
        self.breaks = breaks
        self.ranges = ranges
        self.status = status
        self.etag = '"one"'
        self.asked: list[str | None] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "FileServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def address(self, name: str = "clips.tar.gz") -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{name}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                wanted = self.headers.get("Range")
                outer.asked.append(wanted)
                first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and outer.ranges else 0
                part = outer.content[first:]
                status = outer.status if outer.status != 200 else (206 if first else 200)
                self.send_response(status)
                self.send_header("ETag", outer.etag)
                self.send_header("Content-Length", str(len(part) if outer.status == 200 else 0))
                self.end_headers()
                if outer.status == 200:
                    self.wfile.write(part[: outer.breaks])
                self.close_connection = True

        return Handler
