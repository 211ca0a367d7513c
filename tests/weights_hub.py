"""A hub on the loopback: lists a repository's files at a commit and serves them, with faults on request."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c0ffee" + "0" * 34


class Hub:
    """One repository.

    Attributes:
        files: content by path; small ones are listed with git's blob id, `large` ones with their sha256.
        broken: paths whose first answers break off half way, with how many of them.
        changed: paths that are served with another content than was listed.
        absent: paths that are listed and not served.
        gets: requests by path.
        card: the head of the repository's README, as the hub's listing repeats it.
    """

    def __init__(self, repo: str, files: dict[str, bytes], large: tuple[str, ...] = ()) -> None:
        self.repo, self.files, self.large = repo, files, large
        self.commit = COMMIT
        self.broken: dict[str, int] = {}
        self.changed: dict[str, bytes] = {}
        self.absent: set[str] = set()
        self.gets: Counter[str] = Counter()
        self.card: dict[str, object] | None = None

    def listing(self) -> bytes:
        siblings = []
        for path, content in self.files.items():
            blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
            entry: dict[str, object] = {"rfilename": path, "size": len(content), "blobId": blob}
            if path in self.large:
                entry["lfs"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            siblings.append(entry)
        answer = {"id": self.repo, "sha": self.commit, "cardData": self.card, "siblings": siblings}
        return json.dumps(answer).encode()


@contextmanager
def serving(hub: Hub) -> Iterator[str]:
    """Serve the hub; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            hub.gets[path] += 1
            files = f"/{hub.repo}/resolve/{COMMIT}/"
            if path == f"/api/models/{hub.repo}/revision/{COMMIT}":
                self.give(hub.listing(), "application/json")
            elif path.startswith(files) and (name := path.removeprefix(files)) in hub.files:
                self.file(name)
            else:
                self.nothing(401 if path.startswith("/api/") else 404)  # as the hub answers for unknown ones

        def file(self, name: str) -> None:
            if name in hub.absent:
                return self.nothing(404)
            content = hub.changed.get(name, hub.files[name])
            if hub.broken.get(name, 0) > 0:
                hub.broken[name] -= 1
                self.head(len(content), "application/octet-stream")
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
                return None
            return self.give(content, "application/octet-stream")

        def give(self, content: bytes, kind: str) -> None:
            self.head(len(content), kind)
            self.wfile.write(content)

        def head(self, length: int, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(length))
            self.end_headers()

        def nothing(self, code: int) -> None:
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler
