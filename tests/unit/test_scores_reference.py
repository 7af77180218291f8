"""Our scores are those that the organisers' own code prints."""

import json

import numpy as np
import pytest

from replay.formats.metaimage import read_metaimage
from replay.formats.trackrad import open_case
from replay.scores import score, surface_distances_mm


@pytest.mark.parametrize("case", ["R_001", "R_002"])
@pytest.mark.parametrize("method", ["static", "roll3", "empty3", "half"])
def test_scores_are_those_of_the_challenge(cine, case, method):
    reference = cine / "reference_score"
    expected = json.loads((reference / "expected.json").read_text())[method][case]
    truth = open_case(reference / "truth" / case)
    pixels, _ = read_metaimage(reference / "predictions" / method / f"{case}.mha")
    predicted = np.moveaxis(pixels, -1, 0) != 0
    result = score(predicted, truth)
    one_sided_mm = [
        surface_distances_mm(mask, label, truth.spacing_mm).mean() if mask.any() else max(mask.shape)
        for mask, label in zip(predicted[1:], truth.labels[1:], strict=True)
    ]
    assert {
        "dice_similarity_coefficient": result.dsc,
        "hausdorff_distance_95": result.hd95_mm,
        "surface_distance_average": np.mean(one_sided_mm),
        "center_distance": result.center_mm,
        "relative_d98_dose": result.d98_relative,
    } == pytest.approx(expected, abs=1e-6)
