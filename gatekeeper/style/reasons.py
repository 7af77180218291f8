"""Provide the texts and colours of hold reasons and their categories for pages."""

from collections.abc import Mapping
from typing import Any

from gatekeeper.core.decision import Reason
from gatekeeper.core.reasons import REASONS, Category, reason_rows
from gatekeeper.style.colors import CATEGORY_COLOR

CATEGORY_TEXT: Mapping[Category, str] = {
    Category.MOTION: "target position",
    Category.WAITING: "waiting to resume",
    Category.TRACKING: "tracking confidence",
    Category.TECHNICAL: "frames, linac or link",
    Category.OPERATOR: "operator",
}
"""Text of each category, as in "Hold: target position"."""

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
        With `color` and `words`, in the order of `CATEGORIES`.
    """
    return [{"color": CATEGORY_COLOR[category], "words": CATEGORY_TEXT[category]} for category in CATEGORIES]


def reasons_for_page() -> list[dict[str, Any]]:
    """Return the word, text, action and category of each reason.

    Returns
    -------
    list of dict
        With `word`, `words` (the text), `action` and `kind` (index of the category), in the order of the table of
        reasons.
    """
    return [
        {"word": row.reason.value, "words": row.text, "action": row.action, "kind": category_index(row.reason)}
        for row in reason_rows()
    ]
