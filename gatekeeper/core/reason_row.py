"""Define what is known of a hold reason: text, category, tier of its alarm, limit and action."""

from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.core.decision import Reason


class Category(StrEnum):
    """What a hold reason is about."""

    MOTION = "motion"
    WAITING = "waiting"
    TRACKING = "tracking"
    TECHNICAL = "technical"
    OPERATOR = "operator"


class Tier(StrEnum):
    """How urgent a hold reason is, in ascending order.

    The names are those of the priorities in IEC 60601-1-8; no conformity with that standard is claimed.
    """

    INFORMATION = "information"
    """Gating at work: the beam comes back by itself or by the operator's own wish."""
    LOW = "low"
    """Something to know, which may delay the delivery."""
    MEDIUM = "medium"
    """The target may not be where it is shown or wanted; an operator looks soon."""
    HIGH = "high"
    """A part of the chain has failed; an operator acts now."""


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """One hold reason.

    Attributes
    ----------
    reason : Reason
        The word in the log.
    text : str
        A few words for people.
    category : Category
        What the reason is about.
    tier : Tier
        How urgent it is. Of several reasons the most urgent counts; see `gravest`.
    measures : str
        What is measured.
    action : str
        What to do; empty when waiting is enough.
    limit : str or None
        Setting that holds the limit, such as ``gate.max_age_s``; None when there is no limit to set.
    unit : str or None
        Unit of measurement and limit; None for yes or no.
    also : tuple of str
        Further settings that matter: stricter limits to resume, and how the value is measured.
    latched : bool
        True for a fault, which stays until an operator resets it; any other reason clears itself.
    """

    reason: Reason
    text: str
    category: Category
    tier: Tier
    measures: str
    action: str = ""
    limit: str | None = None
    unit: str | None = None
    also: tuple[str, ...] = ()
    latched: bool = False
