"""The process that decodes: hostile files crash or hang it, and never the job.

Started as `python -m wavbrivl.corpus.worker`. It reads messages from standard input and answers
on standard output; a message is a JSON object and a number of byte strings. Nothing is unpickled.
"""

import json
import os
import struct
import sys
from dataclasses import asdict
from typing import Any, BinaryIO

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
    """Answer until the other side closes."""
    from wavbrivl.corpus.clips import Clip
    from wavbrivl.corpus.extract import Request, extract
    from wavbrivl.corpus.timeline import MediaError

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not be taken for an answer
    send(answers, {"ready": True}, [])
    while message := receive(sys.stdin.buffer):
        header, (data,) = message
        request = Request(**{**header, "clip": Clip(**header["clip"])})
        try:
            result = extract(data, request)
        except MediaError as error:
            send(answers, {"status": error.status, "cause": error.cause}, [])
            continue
        facts = {key: value for key, value in asdict(result).items() if key != "members"}
        send(answers, {"names": list(result.members), **facts}, list(result.members.values()))


if __name__ == "__main__":
    main()
