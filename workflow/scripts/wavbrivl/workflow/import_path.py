"""What jobs are told about imports: this checkout's package first, whatever their environment holds."""

import os

from wavbrivl.workflow.digest import PACKAGE


def hand_down() -> None:
    """Put this checkout's package first on the import path of every process that is started from here.

    They also learn that they are jobs, whose imports no garbage is looked for among (`wavbrivl/__init__.py`).
    """
    own = str(PACKAGE.parent)
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != own]
    os.environ["PYTHONPATH"] = os.pathsep.join([own, *others])
    os.environ["WAVBRIVL_JOB"] = "1"
