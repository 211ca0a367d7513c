"""The process that decodes: hostile files crash or hang it, and never the job.

Started as `python -m wavbrivl.corpus.worker`. It reads messages from standard input and answers
on standard output; a message is a JSON object and a number of byte strings. Nothing is unpickled.
"""

import json
import os
import signal
import struct
import sys
from dataclasses import asdict
from typing import Any, BinaryIO

_FILES = 32  # for one child
_MORE, _CLOSED = 0, 64  # how a child ends: it has answered for its files, or there are no more
Message = tuple[dict[str, Any], list[bytes]]


def send(stream: BinaryIO, header: dict[str, Any], blobs: list[bytes]) -> None:
    """Write one message."""
    text = json.dumps({"header": header, "sizes": [len(blob) for blob in blobs]}).encode()
    stream.write(struct.pack(">I", len(text)) + text)
    for blob in blobs:
        stream.write(blob)
    stream.flush()


def receive(stream: BinaryIO) -> Message | None:
    """Read one message, or None where the stream has ended."""
    size = stream.read(4)
    if len(size) < 4:
        return None
    text = stream.read(struct.unpack(">I", size)[0])
    try:
        message = json.loads(text)
    except ValueError:
        return None
    blobs = [stream.read(n) for n in message["sizes"]]
    whole = all(len(blob) == n for blob, n in zip(blobs, message["sizes"], strict=True))
    return (message["header"], blobs) if whole else None


def main() -> None:
    """Answer until the other side closes, each few files in a child of this process.

    decord loses the memory of all sound that it has decoded; what a child has lost ends with it.
    """
    from wavbrivl.corpus import extract  # noqa: F401 - loaded once, for every child

    limit = int(sys.argv[1])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not be taken for an answer
    send(answers, {"ready": True}, [])
    code = _MORE
    while code == _MORE:
        child = os.fork()
        if child == 0:
            os._exit(_serve(answers, limit))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != _CLOSED:
        raise SystemExit(code if code > 0 else 128 - code)  # as a shell says it of a signal


def _serve(answers: BinaryIO, limit: int) -> int:
    """Answer for some files; whether there may be more."""
    from wavbrivl.corpus.clips import Clip
    from wavbrivl.corpus.extract import Request, extract
    from wavbrivl.corpus.timeline import MediaError

    for _ in range(_FILES):
        message = receive(sys.stdin.buffer)
        if message is None:
            return _CLOSED
        header, (data,) = message
        request = Request(**{**header, "clip": Clip(**header["clip"])})
        signal.alarm(limit)  # so that nothing hangs on when the job that would end it has been killed
        try:
            result = extract(data, request)
        except MediaError as error:
            send(answers, {"status": error.status, "cause": error.cause}, [])
        else:
            facts = {key: value for key, value in asdict(result).items() if key != "members"}
            send(answers, {"names": list(result.members), **facts}, list(result.members.values()))
        signal.alarm(0)
    return _MORE


if __name__ == "__main__":
    main()
