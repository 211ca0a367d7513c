"""`wavbrivl embed | classify | index | search | doctor`.

Exit codes: 0 all is well; 1 a file, a check or the whole command failed; 2 wrong usage.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from wavbrivl.cli import classify, doctor, embed, index, search
from wavbrivl.errors import UserError

COMMANDS = (embed, classify, index, search, doctor)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is returned."""
    arguments = parser().parse_args(argv)
    _log_to_stderr(arguments.quiet)
    try:
        code = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except UserError as error:
        print(f"wavbrivl: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the output has gone, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        # A disk that is full, a folder that may not be written, a file in a folder's place.
        place = f"{error.filename}: " if error.filename else ""
        print(f"wavbrivl: {place}{error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(
        prog="wavbrivl", description="Sounds, images and texts in one space: embed, compare, search, check."
    )
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        part = commands.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.HELP[0].upper() + command.HELP[1:] + ".",
            epilog=command.EXAMPLE,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(part)
        part.add_argument(
            "--format", choices=("table", "json"), default="table", help="json: one object a line"
        )
        part.add_argument("--quiet", action="store_true", help="no progress, errors alone")
        part.set_defaults(run=command.run)
    return whole


def _log_to_stderr(quiet: bool) -> None:
    logger = logging.getLogger("wavbrivl")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.ERROR if quiet else logging.INFO)
