"""Requests of operators, and how words become one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gatekeeper.core.axes import SAGITTAL, Orientation
from gatekeeper.core.command import Action, Command
from gatekeeper.core.errors import InputError
from gatekeeper.core.phrases import MESSAGE, NO_PHRASE, PHRASES, phrase_of
from gatekeeper.core.workflow import MARK, STEPS

END = "end"
"""End the session; the beam is held first."""
HOLDING = frozenset({Action.HOLD.value, Action.DISARM.value, END})
"""Words that can only hold the beam. They need no name, which is asked for afterwards."""
CONFIRM = "confirm"
"""Last word of a request that an operator has to type twice, the second time with this."""
CONFIRMABLE = frozenset({Action.ARM.value, Action.REBASE.value, Action.REFERENCE.value})
HOLD_PLACE, BASELINE_PLACE = PLACES = ("hold", "baseline")
"""Places to which the envelope can be moved: the newest breath-hold, and where the target rests."""
NOTED = frozenset({MARK, MESSAGE})
"""Words that are only journalled and shown; the gate does not learn of them."""
UNNAMED = "not named"
"""Operator of a hold without a name that can be used."""
OTHER_WORDS = {"pause": Action.HOLD.value, "resume": Action.RELEASE.value}
"""Synonyms."""
LONGEST_NAME = 64
"""Longest operator name, in characters."""
_HELP = (
    ("arm", "allow the beam, from the next good frames on"),
    ("hold", "hold the beam until it is released (also: pause, Space, Esc)"),
    ("release", "end that hold (also: resume)"),
    ("reset", "clear faults, after looking into them"),
    ("rebase {axes}", "while held: move the envelope by mm, {positive} > 0"),
    ("rebase hold", "the same, to the newest hold; rebase baseline: to the rest"),
    ("reference", "while held: track from the newest frame on; the envelope stays"),
    ("mark STEP", "note the begin of a step before the delivery, such as set-up"),
    ("message PHRASE", "show the patient a set phrase, such as well done"),
    ("disarm", "hold the beam until it is armed again"),
    ("end", "hold the beam and end the session"),
)
WORDS = tuple(dict.fromkeys(words.split()[0] for words, _ in _HELP))
"""Every word of a request."""


def help_on(orientation: Orientation) -> tuple[tuple[str, str], ...]:
    """Return every word with its effect, for images of an orientation."""
    values = {"axes": " ".join(orientation.names), "positive": orientation.positive}
    return tuple((words.format(**values), does.format(**values)) for words, does in _HELP)


@dataclass(frozen=True, slots=True)
class Request:
    """A request of an operator.

    Attributes
    ----------
    word : str
        An `Action`, or "end".
    operator : str
        Name of the operator.
    origin : str
        Where the request was made, for example "terminal".
    shift_mm : tuple of float
        For rebase: shift of the envelope along rows and columns, in mm.
    confirmed : bool
        Whether the operator has typed that it is meant.
    sequence : int
        For a confirmed reference: number of the frame; -1 otherwise.
    step : str
        For a mark: the step of the workflow that begins.
    phrase : str
        For a message: what is shown to the patient, of `gatekeeper.core.phrases`.
    place : str
        For rebase instead of a shift: one of `PLACES`; the session finds the shift.
    """

    word: str
    operator: str
    origin: str
    shift_mm: tuple[float, float] = (0.0, 0.0)
    confirmed: bool = False
    sequence: int = -1
    step: str = ""
    phrase: str = ""
    place: str = ""

    @property
    def holds(self) -> bool:
        """Whether the request can only hold the beam."""
        return self.word in HOLDING

    def command(self, time_s: float) -> Command:
        """Return the command for the gate at a session time, in s; to end the session, the beam is held first."""
        action = Action.HOLD if self.word == END else Action(self.word)
        return Command(action, self.operator, time_s, self.shift_mm, self.sequence)


def request_from_json(
    words: Sequence[str],
    operator: str,
    origin: str,
    login: str | None = None,
    orientation: Orientation = SAGITTAL,
) -> Request:
    """Return the request in words such as ``("rebase", "2", "0")``.

    Parameters
    ----------
    words : sequence of str
        The word and, for a mark, the step, for a message the phrase; for rebase, a place or the two distances in mm
        along the axes of rows and columns, superior, posterior and left positive; to confirm a reference, the number
        of its frame.
    operator : str
        Name of the operator. What only holds the beam is done without one, too.
    origin : str
        Where the request was made.
    login : str, optional
        Login name of the user who asks, as the operating system says.
    orientation : Orientation
        That of the session's images.

    Returns
    -------
    Request
        Its operator is the result of `identity`.

    Raises
    ------
    InputError
        When the words are not a request, or need a name.

    Examples
    --------
    >>> from gatekeeper.operator.request import request_from_json
    >>> request = request_from_json(["hold", "please"], "", "console")
    >>> request.word, request.operator, request.origin
    ('hold', 'not named', 'console')
    """
    if not words:
        raise InputError(f"no command is given; use one of {', '.join(WORDS)}")
    first, rest = words[0].lower(), tuple(words[1:])
    word = OTHER_WORDS.get(first, first)
    if word not in WORDS:
        raise InputError(f"{words[0]!r:.40} is not a command; use one of {', '.join(WORDS)}")
    is_named = word not in HOLDING or name_or_none(operator) is not None
    name = identity(operator, login) if is_named else login or UNNAMED
    if word == Action.HOLD:
        # Whatever else was said with it: holding never waits for an error to be corrected.
        return Request(word, name, origin)
    confirmed = word in CONFIRMABLE and bool(rest) and rest[-1].lower() == CONFIRM
    rest = rest[:-1] if confirmed else rest
    if word == MARK:
        return Request(word, name, origin, step=_step(rest))
    if word == MESSAGE:
        return Request(word, name, origin, phrase=_phrase(rest))
    if word == Action.REBASE and len(rest) == 1 and rest[0].lower() in PLACES:
        return Request(word, name, origin, confirmed=confirmed, place=rest[0].lower())
    if word == Action.REBASE:
        return Request(word, name, origin, _shift_mm(rest, orientation), confirmed)
    if word == Action.REFERENCE and (rest or confirmed):
        return Request(word, name, origin, confirmed=True, sequence=_sequence(rest, confirmed))
    if rest:
        raise InputError(f"{word}: {' '.join(rest)!r:.40} is not expected; use {word} alone")
    return Request(word, name, origin, confirmed=confirmed)


def _step(words: Sequence[str]) -> str:
    step = " ".join(words).strip().lower()
    if step not in STEPS:
        raise InputError(f"mark: {step!r:.40} is not a step; use one of {', '.join(STEPS)}")
    return step


def _phrase(words: Sequence[str]) -> str:
    phrase = phrase_of(" ".join(words))
    if phrase is None:
        given = f"{' '.join(words)!r:.40} is not a phrase" if words else "no phrase is given"
        raise InputError(f"message: {given}; use one of {', '.join((*PHRASES, NO_PHRASE))}")
    return phrase


def only_holds(words: Sequence[str]) -> bool:
    """Return whether the words of a request can only hold the beam."""
    return bool(words) and OTHER_WORDS.get(words[0].lower(), words[0].lower()) in HOLDING


def named(operator: str) -> str:
    """Return an operator's name without surrounding spaces, or raise InputError when it is not valid."""
    name = name_or_none(operator)
    if name is None:
        raise InputError(f"operator is {operator!r:.80}; give a name of 1 to {LONGEST_NAME} printable characters")
    return name


def name_or_none(operator: str) -> str | None:
    """Return an operator's name without surrounding spaces, or None when it is not valid."""
    name = operator.strip()
    return name if name and len(name) <= LONGEST_NAME and name.isprintable() else None


def identity(operator: str, login: str | None) -> str:
    """Return who asks, as the journal and all displays say it: a name that was typed proves nothing and is marked.

    Parameters
    ----------
    operator : str
        The name that was given.
    login : str or None
        Login name as the operating system says; None where it does not, as for a browser on another machine.

    Returns
    -------
    str
        The login; another name that was given, as typed, with the login where it is known.

    Raises
    ------
    InputError
        When the name is not valid.

    Examples
    --------
    >>> identity("kim", "kim"), identity("Anna Berg", "kim"), identity("Anna Berg", None)
    ('kim', 'Anna Berg (typed; login kim)', 'Anna Berg (typed)')
    """
    name = named(operator)
    if login is None:
        return f"{name} (typed)"
    return login if name == login else f"{name} (typed; login {login})"


def _shift_mm(words: tuple[str, ...], orientation: Orientation) -> tuple[float, float]:
    """Return the shift along rows and columns of a rebase in words of a person's signs, in mm."""
    try:
        along_rows_mm, along_cols_mm = (float(word) for word in words)
    except ValueError:
        along_rows_mm = along_cols_mm = math.nan
    if not (math.isfinite(along_rows_mm) and math.isfinite(along_cols_mm)):
        axes = " ".join(orientation.names)
        raise InputError(
            f"rebase: {' '.join(words)!r:.40} are not two distances; use for example rebase 2 0 ({axes}, mm), "
            f"or rebase {' or rebase '.join(PLACES)}"
        )
    return orientation.signed((along_rows_mm, along_cols_mm))


def _sequence(words: tuple[str, ...], confirmed: bool) -> int:
    """Return the number of the frame that is confirmed as reference."""
    if len(words) != 1 or not words[0].isdecimal() or not confirmed:
        raise InputError(
            f"reference: {' '.join(words)!r:.40} is not expected; use reference alone, which takes the newest frame "
            "and names it, then for example reference 123 confirm"
        )
    return int(words[0])
