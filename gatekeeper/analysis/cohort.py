"""Read a cohort that `gatekeeper cohort` has written into pandas and xarray."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper.analysis.columns import TABLES, arrow_schema
from gatekeeper.analysis.extra import needed
from gatekeeper.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


class Cohort:
    """The tables of a cohort; each is read when it is first asked for.

    Parameters
    ----------
    folder : str or Path
        Folder that `gatekeeper cohort` has written.

    Raises
    ------
    InputError
        When it holds no cohort.
    PluginError
        When the extra `analysis` is not installed.

    Examples
    --------
    >>> from gatekeeper.analysis import Cohort
    >>> cohort = Cohort("cohort")  # doctest: +SKIP
    >>> cohort.sessions.groupby("margin_mm")["duty_cycle"].mean()  # doctest: +SKIP
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / "sessions.parquet").is_file():
            raise InputError(f"{self.folder}: holds no cohort; make one with gatekeeper cohort FOLDER --out OUT")

    @cached_property
    def sessions(self) -> "pd.DataFrame":
        """One row for each session."""
        return self._table("sessions")

    @cached_property
    def breaths(self) -> "pd.DataFrame":
        """One row for each breath and breath-hold."""
        return self._table("breaths")

    @cached_property
    def marks(self) -> "pd.DataFrame":
        """One row for each step, phase, part of the delivery and interruption."""
        return self._table("marks")

    def decisions(self, session: str | None = None, columns: list[str] | None = None) -> "pd.DataFrame":
        """Return decisions, in the order of their sessions.

        Parameters
        ----------
        session : str, optional
            Key of one session; by default those of all.
        columns : list of str, optional
            Columns to read; by default all.

        Returns
        -------
        DataFrame
        """
        return self._table("decisions", columns, None if session is None else [("session", "==", session)])

    def traces(self, session: str) -> "xr.Dataset":
        """Return the decisions of one session over time.

        Parameters
        ----------
        session : str
            Key of the session.

        Returns
        -------
        Dataset
            Each column of `decisions` but the reasons over `time_s`, with its unit.
        """
        table = self.decisions(session)
        if not len(table):
            raise InputError(f"{self.folder}: has no decision of a session {session!r:.40}; see sessions['session']")
        return traces_of(table)

    def _table(self, name: str, columns: list[str] | None = None, filters: Any = None) -> "pd.DataFrame":
        table = needed("pyarrow.parquet").read_table(
            self.folder / f"{name}.parquet", schema=arrow_schema(TABLES[name]), columns=columns, filters=filters
        )
        frame: pd.DataFrame = table.to_pandas()
        return frame


def read_sweep(folder: str | Path) -> "pd.DataFrame":
    """Return the results of a sweep.

    Parameters
    ----------
    folder : str or Path
        Folder that `gatekeeper sweep` has written.

    Returns
    -------
    DataFrame
        One row for each case and combination of settings.

    Raises
    ------
    InputError
        When it holds no sweep.
    PluginError
        When the extra `analysis` is not installed.

    Examples
    --------
    >>> from gatekeeper.analysis import read_sweep
    >>> swept = read_sweep("sweep")  # doctest: +SKIP
    >>> swept.groupby("envelope.margin_mm")["duty_cycle"].mean()  # doctest: +SKIP
    """
    path = Path(folder) / "results.parquet"
    if not path.is_file():
        raise InputError(f"{path}: is not there; make it with gatekeeper sweep CASES... --grid GRID.toml --out DIR")
    frame: pd.DataFrame = needed("pyarrow.parquet").read_table(path).to_pandas()
    return frame


def traces_of(decisions: "pd.DataFrame") -> "xr.Dataset":
    """Return the decisions of one session as a dataset over `time_s`; each variable has its unit and meaning."""
    columns = {one.name: one for one in TABLES["decisions"]}
    kept = [name for name in decisions.columns if name not in ("session", "reasons", "time_s", "kind")]
    needed("xarray")
    dataset: xr.Dataset = decisions.set_index("time_s")[kept].to_xarray()
    for name in (*kept, "time_s"):
        dataset[name].attrs |= {"units": columns[name].unit, "long_name": columns[name].meaning}
    return dataset
