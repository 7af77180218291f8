"""Change the limits of a session, for all structures or for single ones."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gatekeeper.config.session import SessionConfig
from gatekeeper.config.strict import build

OF_ALL = {"margin_mm": "envelope", "outside_percent": "gate", "min_confidence": "gate", "risk_percent": "gate"}
"""Settings that limit all structures, each with the table in which it stands."""
NONE_AT_0 = frozenset({"risk_percent"})
"""Those of which 0 says that there is no such limit."""


@dataclass(frozen=True, slots=True)
class OtherLimits:
    """Other values for some limits of a session; those that are not named stay.

    Attributes
    ----------
    of_all : mapping of str to float
        Values of settings in `OF_ALL`.
    structures : mapping of str to mapping of str to float
        Values of settings of `TargetLimits` and `OarLimits`, by the name of the structure.

    Examples
    --------
    >>> from gatekeeper.config import SessionConfig
    >>> other = OtherLimits({"margin_mm": 4.0}, {"GTV": {"outside_percent": 2.0}})
    >>> config = other.on(SessionConfig(), {"GTV"}, "example")
    >>> config.envelope.margin_mm, config.structures.target["GTV"].outside_percent
    (4.0, 2.0)
    """

    of_all: Mapping[str, float] = field(default_factory=dict)
    structures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def on(self, config: SessionConfig, targets: Collection[str], where: str) -> SessionConfig:
        """Return settings with these limits.

        Parameters
        ----------
        config : SessionConfig
            The settings.
        targets : collection of str
            Names of the targets; other structures are organs at risk.
        where : str
            Origin of the values for the error message.

        Raises
        ------
        ConfigError
            When there is no such setting, or a value is outside its limits.
        """
        values = config.model_dump()
        for name, value in self.of_all.items():
            values[OF_ALL[name]][name] = None if name in NONE_AT_0 and value == 0.0 else value
        for structure, limits in self.structures.items():
            table = values["structures"]["target" if structure in targets else "oar"]
            table[structure] = {**table.get(structure, {}), **limits}
        return build(SessionConfig, values, where)
