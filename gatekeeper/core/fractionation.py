"""Compare fractionation schemes by the linear-quadratic model."""

from gatekeeper.core.errors import InputError


def bed_gy(dose_gy: float, fractions: int, alpha_beta_gy: float) -> float:
    """Return the biologically effective dose of a scheme of equal fractions.

    With n fractions of dose d it is ``n d (1 + d / (alpha/beta))`` [1]_.

    Parameters
    ----------
    dose_gy : float
        Total dose n d, in Gy.
    fractions : int
        Number of fractions n.
    alpha_beta_gy : float
        Ratio of the linear to the quadratic effect, in Gy.

    Returns
    -------
    float
        In Gy.

    Raises
    ------
    InputError
        When a value is not positive.

    References
    ----------
    .. [1] J. F. Fowler, "The linear-quadratic formula and progress in fractionated radiotherapy", British Journal of
       Radiology 62 (1989) 679-694.

    Examples
    --------
    >>> from gatekeeper.core.fractionation import bed_gy
    >>> bed_gy(50.0, 5, 10.0), round(bed_gy(50.0, 5, 3.0), 1)
    (100.0, 216.7)
    """
    if not (dose_gy > 0.0 and fractions >= 1 and alpha_beta_gy > 0.0):
        raise InputError(
            f"fractionation: {dose_gy} Gy in {fractions} fractions with alpha/beta {alpha_beta_gy} Gy; "
            "give values above 0"
        )
    return dose_gy * (1.0 + dose_gy / fractions / alpha_beta_gy)


def eqd2_gy(dose_gy: float, fractions: int, alpha_beta_gy: float) -> float:
    """Return the total dose in fractions of 2 Gy with the same biologically effective dose.

    Parameters
    ----------
    dose_gy : float
        Total dose, in Gy.
    fractions : int
        Number of fractions.
    alpha_beta_gy : float
        Ratio of the linear to the quadratic effect, in Gy.

    Returns
    -------
    float
        In Gy.

    Raises
    ------
    InputError
        When a value is not positive.

    Examples
    --------
    >>> from gatekeeper.core.fractionation import eqd2_gy
    >>> round(eqd2_gy(50.0, 5, 10.0), 1)
    83.3
    """
    return bed_gy(dose_gy, fractions, alpha_beta_gy) / (1.0 + 2.0 / alpha_beta_gy)
