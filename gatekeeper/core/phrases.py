"""Name what an operator can tell the patient: set phrases, so that no name is ever shown or kept."""

MESSAGE = "message"
"""The journal's event, and an operator's word, for a phrase that is shown to the patient."""
PHRASES = (
    "soon",
    "wait",
    "relax",
    "keep still",
    "a little more",
    "a little less",
    "well done",
    "almost done",
    "we are coming",
    "finished",
)
"""Phrases; the patient's page has the text of each in every language, under `message` and these words."""
NO_PHRASE = "nothing"
"""What takes a phrase off the page."""


def phrase_of(words: str) -> str | None:
    """Return the phrase in an operator's words; None when it is none.

    Parameters
    ----------
    words : str
        As typed, with spaces or hyphens.

    Examples
    --------
    >>> from gatekeeper.core.phrases import phrase_of
    >>> phrase_of("Well-done"), phrase_of("nothing"), phrase_of("hello")
    ('well done', 'nothing', None)
    """
    phrase = " ".join(words.lower().replace("-", " ").split())
    return phrase if phrase in PHRASES or phrase == NO_PHRASE else None
