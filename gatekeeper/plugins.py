"""Find trackers, sources, linac ports and formats by name: ours first, then those of installed distributions.

A distribution offers its parts as entry points of the groups ``gatekeeper.trackers``, ``gatekeeper.sources``,
``gatekeeper.linacs`` and ``gatekeeper.formats``. `gatekeeper.core.protocols` says what each must be, and for formats
`replay.formats.format`. Nothing is imported before it is used.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, metadata
from typing import Any

from gatekeeper.core.errors import GatekeeperError, PluginError

DISTRIBUTION = "gatekeeper-mrgrt"
INJECTED = "injected"
"""What stands for the distribution of an object that was given from Python or named as ``module:object``."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A part that can be chosen by name.

    Attributes
    ----------
    part : str
        What it is: "tracker", "source", "linac" or "format".
    name : str
        The `kind` by which it is chosen.
    target : str
        Where it is, as ``module:object``.
    distribution : str
        The installed distribution that has it; "injected" for one that none has.
    version : str or None
        Version of the distribution; None for "injected".
    builtin : bool
        Whether it is one of gatekeeper's own table, which is used without checks around it.
    """

    part: str
    name: str
    target: str
    distribution: str
    version: str | None
    builtin: bool = False

    @property
    def origin(self) -> str:
        """The part and where it comes from, as messages call it."""
        where = self.distribution if self.version is None else f"{self.distribution} {self.version}"
        return f"{self.part} {self.name!r} ({where})"

    @property
    def identity(self) -> dict[str, str | None]:
        """What the journal's header says of it."""
        return {"kind": self.name, "distribution": self.distribution, "version": self.version}

    @property
    def location(self) -> str | None:
        """File from which it was loaded; None before that."""
        return getattr(sys.modules.get(self.target.partition(":")[0]), "__file__", None)

    def load(self) -> Any:
        """Import and return the object.

        Raises
        ------
        PluginError
            When that fails, for whatever reason.
        """
        module, _, path = self.target.partition(":")
        try:
            found: Any = import_module(module)
            for name in filter(None, path.split(".")):
                found = getattr(found, name)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{self.origin}: cannot be loaded from {self.target}, {type(error).__name__}: {error}; "
                "install or repair it, or choose another"
            ) from error
        return found

    def make(self, *given: Any, having: Sequence[str]) -> Any:
        """Load the factory, and return what it makes.

        Parameters
        ----------
        *given : object
            What the factory is called with.
        having : sequence of str
            What must be there on that which a plug-in makes.

        Raises
        ------
        GatekeeperError
            As the factory raises it.
        PluginError
            When a plug-in fails otherwise, or makes something else.
        """
        factory = self.load()
        if self.builtin:
            return factory(*given)
        try:
            made = factory(*given)
            missing = [name for name in having if not hasattr(made, name)]
        except GatekeeperError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(f"{self.origin}: cannot be made, {type(error).__name__}: {error}") from error
        if missing:
            raise PluginError(f"{self.origin}: made a {type(made).__name__}, which has no {' and no '.join(missing)}")
        return made


class Registry:
    """All parts of one sort.

    Parameters
    ----------
    part : str
        What they are called in messages, for example "tracker".
    group : str
        The group of entry points.
    builtin : mapping of str to str
        Ours: name to ``module:object``.
    """

    def __init__(self, part: str, group: str, builtin: Mapping[str, str]) -> None:
        self.part, self.group = part, group
        self._builtin = dict(builtin)

    @property
    def builtin_names(self) -> tuple[str, ...]:
        """The names of ours."""
        return tuple(self._builtin)

    def plugins(self) -> list[Plugin]:
        """Return ours in their order, then those of installed distributions by name; names may stand there twice."""
        version = metadata.version(DISTRIBUTION)
        own = [
            Plugin(self.part, name, target, DISTRIBUTION, version, builtin=True)
            for name, target in self._builtin.items()
        ]
        return [*own, *(Plugin(self.part, *found) for found in _entry_points(self.group, tuple(sys.path)))]

    def names(self) -> list[str]:
        """Return the names by which one can be chosen."""
        return list(dict.fromkeys(plugin.name for plugin in self.plugins()))

    def find(self, name: str) -> Plugin:
        """Return the plug-in of a name, not loaded yet; a name with a colon is an object to import, ``module:object``.

        Raises
        ------
        PluginError
            When there is none, or the name is taken twice.
        """
        if ":" in name:
            return Plugin(self.part, name, name, INJECTED, None)
        found = [plugin for plugin in self.plugins() if plugin.name == name]
        if not found:
            raise PluginError(f"{self.part} kind {name!r}: is not there; choose one of {', '.join(self.names())}")
        if len(found) > 1:
            raise PluginError(
                f"{self.part} kind {name!r}: is taken by {found[0].distribution} and offered by "
                f"{', '.join(plugin.distribution for plugin in found[1:])} too; uninstall one of them"
            )
        return found[0]

    def identity(self, name: str) -> dict[str, str | None]:
        """Return what the journal's header says of a name; only the name when there is no such plug-in."""
        try:
            return self.find(name).identity
        except PluginError:
            return {"kind": name, "distribution": None, "version": None}


TRACKERS = Registry("tracker", "gatekeeper.trackers", {"template": "gatekeeper.tracking.tracker:StructureTracker"})
"""Factories of trackers, see `gatekeeper.core.protocols.TrackerFactory`."""
SOURCES = Registry(
    "source",
    "gatekeeper.sources",
    {
        "mrd": "gatekeeper.sources.mrd:MrdSource",
        "openigtlink": "gatekeeper.sources.openigtlink:OpenIGTLinkSource",
        "dicom": "gatekeeper.sources.dicom.source:DicomSource",
    },
)
"""Factories of sources, see `gatekeeper.core.protocols.SourceFactory`."""
LINACS = Registry(
    "linac",
    "gatekeeper.linacs",
    {name: f"gatekeeper.linac.factories:{name}" for name in ("lease", "modbus", "serial", "openigtlink", "dry_run")},
)
"""Factories of linac ports, see `gatekeeper.core.protocols.LinacFactory`."""
REGISTRIES = (TRACKERS, SOURCES, LINACS)
"""All parts that are chosen by `kind` in the settings."""


def reference_to(found: object) -> str:
    """Return ``module:object`` of an object that was given from Python, by which the journal names it."""
    named = found if hasattr(found, "__qualname__") else type(found)
    return f"{named.__module__}:{getattr(named, '__qualname__', '')}"


@lru_cache(maxsize=16)
def _entry_points(group: str, _path: tuple[str, ...]) -> tuple[tuple[str, str, str, str], ...]:
    """Return (name, target, distribution, version) of the entry points of a group, by name."""
    found = {
        (point.name, point.value.partition("[")[0].strip(), point.dist.name, point.dist.version)
        for point in metadata.entry_points(group=group)
        if point.dist is not None
    }
    return tuple(sorted(found))
