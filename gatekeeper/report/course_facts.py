"""List the facts of the course to which a session belongs, as rows of a name and a text."""

from collections.abc import Iterator

from gatekeeper.config import CourseConfig

STRATEGIES = {
    "inhale_hold": "breath-hold at end-inhale",
    "exhale_hold": "breath-hold at end-exhale",
    "exhale": "free breathing, beam at end-exhale",
    "mid_ventilation": "free breathing, beam around mid-ventilation",
    "exception": "free breathing, beam held for unusual motion only",
}
BREATH_HOLDS = {"inhale": "at end-inhale", "exhale": "at end-exhale", "none": "none, free breathing"}


def course_rows(course: CourseConfig) -> Iterator[tuple[str, str]]:
    """Yield what is known of a course.

    Parameters
    ----------
    course : CourseConfig
        Its facts.

    Yields
    ------
    name, text : str
        One row of a table.

    Examples
    --------
    >>> from gatekeeper.config import CourseConfig
    >>> from gatekeeper.report.course_facts import course_rows
    >>> rows = dict(course_rows(CourseConfig(label="P07", fraction=2, fractions=5, dose_gy=50.0)))
    >>> rows["prescription"]
    '50 Gy in 5 fractions; BED 100.0 Gy (alpha/beta 10), 216.7 Gy (3); EQD2 83.3 Gy'
    """
    of = "" if course.fractions is None else f" of {course.fractions}"
    yield "course", f"{course.label}, course {course.course}, fraction {course.fraction}{of}"
    if course.dose_gy is not None:
        yield "prescription", _prescription(course)
    if course.beam_on_s is not None:
        yield "prescribed beam-on time", f"{course.beam_on_s:.0f} s"
    if course.strategy is not None:
        yield "strategy", STRATEGIES[course.strategy]
    if course.breath_hold is not None:
        yield "breath-hold", BREATH_HOLDS[course.breath_hold]
    if course.contrast_agent is not None:
        ago = "" if course.contrast_min is None else f", {course.contrast_min:g} min before the session"
        yield "contrast agent", f"{course.contrast_agent}{ago}"


def _prescription(course: CourseConfig) -> str:
    if course.bed_gy is None or course.late_bed_gy is None or course.eqd2_gy is None:
        return f"{course.dose_gy:g} Gy"
    return (
        f"{course.dose_gy:g} Gy in {course.fractions} fraction{'' if course.fractions == 1 else 's'}; "
        f"BED {course.bed_gy:.1f} Gy (alpha/beta {course.alpha_beta_gy:g}), "
        f"{course.late_bed_gy:.1f} Gy ({course.late_alpha_beta_gy:g}); EQD2 {course.eqd2_gy:.1f} Gy"
    )
