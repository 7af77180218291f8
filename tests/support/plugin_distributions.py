"""Install distributions with entry points into a folder on the path."""

import sys

import pytest


def install(folder, monkeypatch, name, entry_points, modules=None, version="1.2"):
    """Install a distribution into `folder`: entry points by group, and sources of modules by name."""
    there = folder / name
    info = there / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, points in entry_points.items():
        lines += [f"[{group}]", *(f"{point} = {target}" for point, target in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for module, source in (modules or {}).items():
        (there / f"{module}.py").write_text(source)
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.syspath_prepend(str(there))


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install distributions for one test: `installed(name, entry_points, modules)`."""
    return lambda *args, **kwargs: install(tmp_path / "installed", monkeypatch, *args, **kwargs)
