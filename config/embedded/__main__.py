"""`python config/embedded dev|test|manage …`; called by `launch.sh`."""

import importlib
import sys
from pathlib import Path

# `config/` and not the checkout is put on the path: importing `config` would import Celery and Django,
# and they may not be installed yet.
sys.path[0] = str(Path(__file__).resolve().parents[1])

if __name__ == "__main__":
    sys.exit(importlib.import_module("embedded.command").main(sys.argv[1:]))
