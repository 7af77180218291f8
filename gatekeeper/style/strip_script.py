"""Join the modules of the strip into one script, for a page that loads no files."""

import re
from importlib import resources

MODULES = (
    "format",
    "strip-words",
    "strip-ink",
    "strip-curves",
    "strip-lanes",
    "strip-beam",
    "told",
    "strip",
    "enlarge",
)
"""Names of the modules, each after those that it imports."""
_IMPORT = re.compile(r'^(import|export) .* from "\./[a-z-]+\.js";\n', flags=re.MULTILINE)


def strip_script() -> str:
    """Return the modules of the strip as one module without imports.

    Returns
    -------
    str
        For a script element of type ``module``; what the modules export is defined in it.

    Examples
    --------
    >>> "import " in strip_script()
    False
    """
    page = resources.files("gatekeeper.style") / "page"
    return "\n".join(_IMPORT.sub("", (page / f"{name}.js").read_text(encoding="utf-8")) for name in MODULES)
