"""Provide the texts and colours of hold reasons, their categories and their tiers for both faces."""

from collections.abc import Mapping
from typing import Any

from gatekeeper.core.decision import Reason
from gatekeeper.core.reason_row import Category, Tier
from gatekeeper.core.reasons import REASONS, TIERS, reason_rows
from gatekeeper.style.colors import CATEGORY_COLOR, TIER_COLOR

CATEGORY_TEXT: Mapping[Category, str] = {
    Category.MOTION: "target position",
    Category.WAITING: "waiting to resume",
    Category.TRACKING: "tracking confidence",
    Category.TECHNICAL: "frames, linac or link",
    Category.OPERATOR: "operator",
}
"""Text of each category, as in "Hold: target position"."""

TIER_TEXT: Mapping[Tier, tuple[str, str]] = {
    Tier.INFORMATION: ("i", "Information"),
    Tier.LOW: ("!", "Low alarm"),
    Tier.MEDIUM: ("!!", "Medium alarm"),
    Tier.HIGH: ("!!!", "High alarm"),
}
"""Mark and text of each tier; the mark tells the tiers apart without a colour."""

CATEGORIES = tuple(Category)
"""Pages refer to a category by its index in this tuple."""


def category_index(reason: Reason) -> int:
    """Return the index of a reason's category in `CATEGORIES`.

    Parameters
    ----------
    reason : Reason
        A hold reason.

    Returns
    -------
    int
        Index from 0.
    """
    return CATEGORIES.index(REASONS[reason].category)


def categories_for_page() -> list[dict[str, str]]:
    """Return the colour and text of each category.

    Returns
    -------
    list of dict
        With `name`, `color` and `words`, in the order of `CATEGORIES`.
    """
    return [
        {"name": category.value, "color": CATEGORY_COLOR[category], "words": CATEGORY_TEXT[category]}
        for category in CATEGORIES
    ]


def tiers_for_page() -> list[dict[str, str]]:
    """Return the name, mark, text and colours of each tier.

    Returns
    -------
    list of dict
        With `name`, `mark`, `words`, `color` and `ink`, in ascending order of urgency.
    """
    return [
        {
            "name": tier.value,
            "mark": TIER_TEXT[tier][0],
            "words": TIER_TEXT[tier][1],
            "color": TIER_COLOR[tier][0],
            "ink": TIER_COLOR[tier][1],
        }
        for tier in TIERS
    ]


def reasons_for_page() -> list[dict[str, Any]]:
    """Return the word, text, action, category and tier of each reason.

    Returns
    -------
    list of dict
        With `word`, `words` (the text), `action`, `kind` (index of the category), `tier` (index in `TIERS`) and
        `latched` (whether it is a fault), in the order of the table of reasons.
    """
    return [
        {
            "word": row.reason.value,
            "words": row.text,
            "action": row.action,
            "kind": category_index(row.reason),
            "tier": TIERS.index(row.tier),
            "latched": row.latched,
        }
        for row in reason_rows()
    ]


def texts_for_page() -> dict[str, str]:
    """Return the English texts of reasons, actions and categories by the keys under which other languages have theirs.

    Returns
    -------
    dict of str to str
        Keys such as "reason.outside", "action.outside" and "kind.motion".
    """
    rows = reason_rows()
    return {
        **{f"reason.{row.reason.value}": row.text for row in rows},
        **{f"action.{row.reason.value}": row.action for row in rows if row.action},
        **{f"kind.{category.value}": text for category, text in CATEGORY_TEXT.items()},
    }
