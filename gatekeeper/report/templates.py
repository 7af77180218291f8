"""Templates of the pages that are one file: a report, a course, a cohort, a latency test."""

import re

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from gatekeeper.style.colors import css

NOT_IN_FOOTER = re.compile(r"[^\w .,:()+-]")
"""Characters that could end a text inside a style sheet."""


def template(name: str, package: str = "gatekeeper.report", **filters: object) -> Template:
    """Return a template of a page; all of them have `base.html` in common.

    Parameters
    ----------
    name : str
        File of the template, in the folder `page` of the package.
    package : str
        The package.
    **filters : callable
        Further filters by name.
    """
    loader = ChoiceLoader([PackageLoader(one, "page") for one in dict.fromkeys((package, "gatekeeper.report"))])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"footer": _footer, **filters}
    environment.globals["colors"] = css()
    return environment.get_template(name)


def _footer(title: object) -> Markup:
    """Return a title as text of a printed page's foot, inside a style sheet."""
    text = Markup(str(title)).unescape()  # noqa: S704  (its own markup, taken back)
    return Markup(NOT_IN_FOOTER.sub(" ", text))  # noqa: S704  (nothing is left that is markup)
