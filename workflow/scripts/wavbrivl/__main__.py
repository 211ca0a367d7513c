"""`python -m wavbrivl`, the same as the command `wavbrivl`."""

import sys

from wavbrivl.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
