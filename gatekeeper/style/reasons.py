"""Show hold reasons: texts and colours of their categories, and the tables of reasons for pages."""

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
"""What a beam is held for, after the word "Hold"."""

CATEGORIES = tuple(Category)
"""Pages know a category by its index in this tuple."""


def category_index(reason: Reason) -> int:
    """Return the index of a reason's category in `CATEGORIES`."""
    return CATEGORIES.index(REASONS[reason].category)


def categories_for_page() -> list[dict[str, str]]:
    """Return colour and text of each category, in the order of `CATEGORIES`."""
    return [{"color": CATEGORY_COLOR[category], "words": CATEGORY_TEXT[category]} for category in CATEGORIES]


def reasons_for_page() -> list[dict[str, Any]]:
    """Return word, text, action and category of each reason, in the order of the table."""
    return [
        {"word": row.reason.value, "words": row.text, "action": row.action, "kind": category_index(row.reason)}
        for row in reason_rows()
    ]
