"""Which package the jobs import: this checkout's, whatever else is installed in their environment."""

import os

from wavbrivl.workflow.digest import PACKAGE


def hand_down() -> None:
    """Put this checkout's package first on the import path of every process that is started from here."""
    own = str(PACKAGE.parent)
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != own]
    os.environ["PYTHONPATH"] = os.pathsep.join([own, *others])
