"""Read and change settings. Every change is a new version with its author; secrets are encrypted at rest.

`reading` finds what is in force, `changing` makes new versions, `carrying` exports and imports, `rotating` brings
secrets under a new key.
"""

from ops.kernel.configuration.services.carrying import export, import_
from ops.kernel.configuration.services.changing import ChangedMeanwhile, history, preview, reset, rollback, set
from ops.kernel.configuration.services.reading import UnknownSetting, get, own
from ops.kernel.configuration.services.rotating import Rotation, rotate_keys

__all__ = [
    "ChangedMeanwhile",
    "Rotation",
    "UnknownSetting",
    "export",
    "get",
    "history",
    "import_",
    "own",
    "preview",
    "reset",
    "rollback",
    "rotate_keys",
    "set",
]
