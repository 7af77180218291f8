"""Slow, obvious twins of the kernels, for the tests to compare with."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import shapely
from scipy import ndimage

from kernels.deformation import CLIP, LEAST_EXPLAINED, MEAN_TO_SIGMA, ROUNDING

# --- kernels/polygon.py ---------------------------------------------------------------------------------------


def edges(contour):
    points = [tuple(map(float, point)) for point in contour]
    return [(points[i - 1], points[i]) for i in range(len(points))]


def polygon_area(contour):
    """Sum of the signed areas of the triangles that the edges make with the origin."""
    return abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in edges(contour))) / 2


def polygon_centroid(contour):
    """Mean of the centroids of those triangles, weighted with their signed areas."""
    weights = [a[0] * b[1] - a[1] * b[0] for a, b in edges(contour)]
    centres = [((a[0] + b[0]) / 3, (a[1] + b[1]) / 3) for a, b in edges(contour)]
    return np.average(centres, axis=0, weights=weights)


def polygon_fill(contour, shape):
    """Odd number of edges at or before the pixel's centre in its row, in exact arithmetic."""
    exact = [[tuple(map(Fraction, point)) for point in edge] for edge in edges(contour)]

    def inside(row, col):
        odd = False
        for (row_a, col_a), (row_b, col_b) in exact:
            if (row_a <= row) != (row_b <= row):
                odd ^= col_a + (row - row_a) * (col_b - col_a) / (row_b - row_a) <= col
        return odd

    return np.array([[inside(row, col) for col in range(shape[1])] for row in range(shape[0])])


def polygon_coverage(contour, shape):
    """Area of the polygon clipped to each pixel's square (Sutherland and Hodgman)."""
    out = np.zeros(shape)
    for row, col in np.ndindex(*shape):
        points = [tuple(map(float, point)) for point in contour]
        for axis, limit, sign in ((0, row - 0.5, 1), (0, row + 0.5, -1), (1, col - 0.5, 1), (1, col + 0.5, -1)):
            points = _clip(points, axis, limit, sign)
        out[row, col] = polygon_area(np.array(points) - (row, col)) if points else 0.0
    return out


def _clip(points, axis, limit, sign):
    kept = []
    for i, b in enumerate(points):
        a = points[i - 1]
        a_in, b_in = sign * (a[axis] - limit) >= 0, sign * (b[axis] - limit) >= 0
        if a_in != b_in:
            t = (limit - a[axis]) / (b[axis] - a[axis])
            cut = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]
            cut[axis] = limit
            kept.append(tuple(cut))
        if b_in:
            kept.append(b)
    return kept


# --- kernels/clearance.py -------------------------------------------------------------------------------------


def polygon_clearance(contour, zone, spacing_mm):
    one, other = shapely.Polygon(contour * np.array(spacing_mm)), shapely.Polygon(zone * np.array(spacing_mm))
    for points, polygon in ((one, other), (other, one)):
        corners = [shapely.Point(point) for point in points.exterior.coords]
        inside = [polygon.exterior.distance(point) for point in corners if polygon.contains(point)]
        if inside:
            return -max(inside)
    return one.exterior.distance(other.exterior) if not one.crosses(other) else 0.0


# --- kernels/overlap.py ---------------------------------------------------------------------------------------


def area_where(contour, envelope, wanted):
    """Integrate `wanted(winding of contour, winding of envelope)` over the plane.

    Between two neighbouring rows at which an edge begins, ends or meets another, all widths change linearly, so
    that the width in the middle times the height is exact.
    """
    both = edges(contour) + edges(envelope)
    rows = {point[0] for edge in both for point in edge}
    rows |= {row for i, e in enumerate(both) for f in both[:i] if (row := _meeting_row(e, f)) is not None}
    rows = sorted(rows)
    total = 0.0
    for low, high in pairwise(rows):
        middle = (low + high) / 2
        events = sorted(
            [(*event, 0) for event in _crossings(contour, middle)]
            + [(*event, 1) for event in _crossings(envelope, middle)]
        )
        winding = [0, 0]
        for (col, sign, which), following in pairwise(events):
            winding[which] += sign
            total += wanted(*winding) * (following[0] - col) * (high - low)
    return total


def _crossings(contour, row):
    return [
        (a[1] + (row - a[0]) * (b[1] - a[1]) / (b[0] - a[0]), 1 if a[0] < b[0] else -1)
        for a, b in edges(contour)
        if (a[0] <= row) != (b[0] <= row)
    ]


def _meeting_row(e, f):
    (p, q), (r, s) = np.array(e), np.array(f)
    (d_row, d_col), (e_row, e_col) = q - p, s - r
    cross = d_row * e_col - d_col * e_row
    if cross == 0.0:
        return None
    t = ((r - p)[0] * e_col - (r - p)[1] * e_row) / cross
    return float(p[0] + t * d_row) if 0.0 < t < 1.0 else None


# --- kernels/ncc.py ----------------------------------------------------------------------------------------


def correlation(image, template):
    """Pearson's coefficient of the template and the image below it; -1 where that is constant or not finite."""
    rows, cols = template.shape
    out = np.full((image.shape[0] - rows + 1, image.shape[1] - cols + 1), -1.0)
    for i, j in np.ndindex(*out.shape):
        below = image[i : i + rows, j : j + cols].astype(np.float64)
        if np.isfinite(below).all() and np.ptp(below) > 0.0:
            out[i, j] = np.corrcoef(below.ravel(), template.ravel())[0, 1]
    return out


def weighted_correlation(image, template, weight):
    """Pearson's coefficient of template and image, each pixel counted by its weight; -1 as in `correlation`."""
    rows, cols = template.shape
    out = np.full((image.shape[0] - rows + 1, image.shape[1] - cols + 1), -1.0)
    for i, j in np.ndindex(*out.shape):
        below = image[i : i + rows, j : j + cols].astype(np.float64)
        if np.isfinite(below).all() and np.ptp(below) > 0.0:
            covariance = np.cov(below.ravel(), template.ravel(), aweights=weight.ravel())
            out[i, j] = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    return out


def refined(scores, row, col):
    """The peak, moved along each axis to where the parabola through its neighbours has no slope."""
    place = [float(row), float(col)]
    for axis, line, at in ((0, scores[:, col], row), (1, scores[row], col)):
        if 0 < at < len(line) - 1 and line[at] >= max(line[at - 1], line[at + 1]):
            low, middle, high = line[at - 1 : at + 2].astype(np.float64)
            if low + high < 2.0 * middle:
                place[axis] -= (high - low) / 2.0 / (low - 2.0 * middle + high)
    return tuple(place)


def peaks(scores, apart, most):
    """From the best on, each local maximum that is farther than `apart` from all before it."""
    tops = [
        (i, j)
        for (i, j), score in np.ndenumerate(scores)
        if score > -1.0 and (scores[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] <= score).all()
    ]
    chosen = []
    for i, j in sorted(tops, key=lambda top: -scores[top]):
        if len(chosen) < most and all(max(abs(i - row), abs(j - col)) > apart + 0.5 for row, col, _ in chosen):
            chosen.append((*refined(scores, i, j), scores[i, j]))
    return np.array(chosen).reshape(-1, 3)


# --- kernels/patches.py ------------------------------------------------------------------------------------


def matched_patches(image, corners, templates, reach):
    """The peak of the correlation of each patch within reach; score 0 where it lies at the end of the range."""
    side = math.isqrt(templates.shape[1])
    far = 10 * (max(image.shape) + reach + side)
    padded = np.pad(image.astype(np.float64), far, mode="edge")
    out = []
    for (row, col), template in zip(np.floor(corners + 0.5).astype(int), templates, strict=True):
        around = np.s_[far + row - reach : far + row + reach + side, far + col - reach : far + col + reach + side]
        scores = correlation(padded[around], template.reshape(side, side))
        i, j = np.unravel_index(scores.argmax(), scores.shape)
        at_end = {int(i), int(j)} & {0, 2 * reach}
        place = (float(i), float(j)) if at_end else refined(scores, i, j)
        out.append((row - reach + place[0], col - reach + place[1], 0.0 if at_end else max(scores.max(), 0.0)))
    return np.array(out)


def voted_patches(image, corners, templates, weights, step, least, shape):
    """Sum over patches of the largest squared excess of the correlation at each displacement and its neighbours."""
    side = math.isqrt(templates.shape[1])
    far = step * max(shape) + side
    padded = np.pad(image.astype(np.float64), far, mode="edge")
    moves = [step * (np.arange(count) - count // 2) for count in shape]
    votes = np.zeros(shape)
    for (row, col), template, weight in zip(corners, templates, weights, strict=True):
        found = np.zeros(shape)
        for i, j in np.ndindex(*shape):
            top, left = int(row) + moves[0][i], int(col) + moves[1][j]
            if 0 <= top + side // 2 < image.shape[0] and 0 <= left + side // 2 < image.shape[1]:
                below = padded[far + top : far + top + side, far + left : far + left + side]
                found[i, j] = max(correlation(below, template.reshape(side, side)).item() - least, 0.0) ** 2
        votes += weight * ndimage.maximum_filter(found, 3, mode="constant")
    return votes


def reweighted_least_squares(modes, moves, weights, prior, noise, outlier, iterations, params):
    """Ridge regression of each axis, repeated with Cauchy's weights; return parameters and the share that agrees."""
    params, modes = np.asarray(params, np.float64).reshape(2, -1), modes.astype(np.float64)
    for _ in range(iterations):
        now = weights / (1.0 + np.square(moves - (params @ modes).T).sum(axis=1) / outlier**2)
        system = (modes * now) @ modes.T / noise**2 + np.diag(prior)
        params = np.linalg.solve(system, (modes * now) @ moves / noise**2).T.astype(np.float32).astype(np.float64)
    now = weights / (1.0 + np.square(moves - (params @ modes).T).sum(axis=1) / outlier**2)
    return params.ravel(), now.mean()


# --- kernels/pyramid.py ----------------------------------------------------------------------------------------


def block_means(image, row, col, factor, shape):
    """Means over the blocks of an image that was padded with its edge as far as they reach."""
    pad = abs(row) + abs(col) + factor * max(shape)
    padded = np.pad(image.astype(np.float64), pad, mode="edge")
    rows, cols = factor * shape[0], factor * shape[1]
    covered = padded[row + pad : row + pad + rows, col + pad : col + pad + cols]
    return covered.reshape(shape[0], factor, shape[1], factor).mean(axis=(1, 3))


def joined(image, factor):
    """Means over the whole blocks of an image."""
    rows, cols = image.shape[0] // factor, image.shape[1] // factor
    covered = image[: rows * factor, : cols * factor].astype(np.float64)
    return covered.reshape(rows, factor, cols, factor).mean(axis=(1, 3))


def smoothed(image, share):
    """Convolution of an image that was padded with its edge."""
    line = np.array([share, 1.0 - 2.0 * share, share])
    padded = np.pad(image.astype(np.float64), 1, mode="edge")
    out = np.empty(image.shape)
    for i, j in np.ndindex(*image.shape):
        out[i, j] = (padded[i : i + 3, j : j + 3] * np.outer(line, line)).sum()
    return out


# --- kernels/bias_field.py ------------------------------------------------------------------------------------------


def flattened(factors, row, col, window):
    """Product of the window with the field, in which each pixel looks for its place, or the nearest there is."""
    out = window.astype(np.float64)
    for i, j in np.ndindex(*window.shape):
        out[i, j] *= factors[np.clip(row + i, 0, factors.shape[0] - 1), np.clip(col + j, 0, factors.shape[1] - 1)]
    return out


# --- kernels/interpolation.py ----------------------------------------------------------------------------------------


def bilinear_samples(image, rows, cols):
    """Linear interpolation at positions that were moved to the edge of the image if beyond it."""
    places = [np.clip(np.nan_to_num(at), 0.0, end - 1.0) for at, end in zip((rows, cols), image.shape, strict=True)]
    return ndimage.map_coordinates(image.astype(np.float64), np.array(places, np.float64), order=1, mode="nearest")


def bilinear_gradients(image, rows, cols):
    """Differences of samples half a pixel either way, along rows and along columns."""
    return np.stack(
        [
            bilinear_samples(image, rows + 0.5, cols) - bilinear_samples(image, rows - 0.5, cols),
            bilinear_samples(image, rows, cols + 0.5) - bilinear_samples(image, rows, cols - 0.5),
        ]
    )


# --- kernels/deformation.py, kernels/warp.py -----------------------------------------------------------------------


def displaced(points, modes, params, row_scale, col_scale):
    """Points (2, N) plus the product of the parameters of each axis with the modes."""
    moves_mm = np.asarray(params, np.float64).reshape(2, -1) @ modes.astype(np.float64)
    return points + moves_mm * np.array([[row_scale], [col_scale]])


def gauss_newton(
    image,
    window,
    points,
    modes,
    steepest,
    prior,
    inverse_hessian,
    photometric,
    template_norm,
    row_scale,
    col_scale,
    max_iterations,
    tolerance,
    reject,
    params,
    clip=CLIP,
):
    """The fit as its docstring tells it; return the parameters and the results."""
    image, points, steepest, prior, inverse_hessian, photometric, params = (
        np.asarray(array, np.float64)
        for array in (image, points, steepest, prior, inverse_hessian, photometric, params)
    )
    iteration = 0
    while iteration < max_iterations:
        iteration += 1
        rows, cols = displaced(points[:2], modes, params, row_scale, col_scale)
        seen = points[2] * bilinear_samples(image, rows - window[0], cols - window[1])
        parts = photometric @ seen
        residual = seen - parts @ photometric
        whole = np.linalg.norm([parts[1], *residual, *(ROUNDING * parts)])
        gain = max(parts[1], LEAST_EXPLAINED * whole) / template_norm
        sigma = MEAN_TO_SIGMA * np.abs(residual).mean()
        limit = np.full(len(residual), clip * sigma)
        if reject > 0.0:
            limit = np.interp(np.abs(residual), (clip * sigma, reject * sigma), (clip * sigma, 0.0))
        inside = (rows >= window[2]) & (rows <= window[3]) & (cols >= window[4]) & (cols <= window[5])
        pull = np.where(inside, np.clip(residual, -limit, limit), 0.0) / gain
        step = inverse_hessian @ (steepest @ pull + prior * params)
        params = params - step
        if np.abs(step).max() <= tolerance:
            break
    inside = inside & (limit > 0.0)
    penalty = prior @ np.square(params)
    return params, np.array([parts[1] / template_norm, parts[1] / whole, iteration, inside.mean(), penalty])


def survey_slowly(image):
    """Finite, varied, and how many pixels have the largest value."""
    values = [float(value) for value in image.ravel()]
    finite = all(math.isfinite(value) for value in values)
    return finite, len(set(values)) > 1, values.count(max(values))


# --- kernels/similarity.py --------------------------------------------------------------------------------------


def patchwise_correlation(template, weight, residual, scale, patches):
    """Mean over patches of the weighted correlation of frame and template; a patch counts by its squared weight."""
    template, weight, residual = (np.asarray(array, np.float64) for array in (template, weight, residual))
    seen = template + scale * residual / weight
    alike, masses = [], []
    for patch in range(patches.max(initial=-1) + 1):
        mine = patches == patch
        if mine.any():
            square = weight[mine] ** 2
            a, b = (x[mine] - np.average(x[mine], weights=square) for x in (template, seen))
            spread = np.sqrt((square * a * a).sum() * (square * b * b).sum())
            alike.append((square * a * b).sum() / spread if spread != 0.0 else 0.0)
            masses.append(square.sum())
    return np.average(alike, weights=masses) if masses else np.nan


def correlation_without_noise(template, weight, residual, scale, noise):
    """Correlation of frame and template, after noise was taken off the variance that the template does not explain."""
    template, weight, residual = (np.asarray(array, np.float64) for array in (template, weight, residual))
    alike = patchwise_correlation(template, weight, residual, scale, np.zeros(len(template), int))
    seen = template + scale * residual / weight
    variance = np.average((seen - np.average(seen, weights=weight**2)) ** 2, weights=weight**2)
    explained, left = alike**2 * variance, (1.0 - alike**2) * variance - noise
    if not alike > 0.0:
        return alike
    return (1.0 + max(left, 0.0) / max(explained, noise / 2.0)) ** -0.5


def patchwise_slope(template, weight, residual, scale, patches):
    """Slope of the weighted regression of the frame on the template, an offset for each patch; NaN without contrast."""
    template, weight, residual = (np.asarray(array, np.float64) for array in (template, weight, residual))
    kept = patches >= 0
    if not np.isfinite([template[kept], residual[kept]]).all():
        return np.nan
    columns = [template[kept], *(1.0 * (patches[kept] == patch) for patch in np.unique(patches[kept]))]
    design = np.stack(columns, axis=1) * weight[kept, None]
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return np.nan
    seen = template + scale * residual / weight
    return np.linalg.lstsq(design, weight[kept] * seen[kept], rcond=None)[0][0]


# --- kernels/crc.py -------------------------------------------------------------------------------------------


def crc64_bit_by_bit(data):
    """Remainder of the long division of the message, followed by 64 zeros, by the polynomial of ECMA-182."""
    remainder = 0
    for bit in range(8 * len(data) + 64):
        new = data[bit // 8] >> (7 - bit % 8) & 1 if bit < 8 * len(data) else 0
        carry, remainder = remainder >> 63, (remainder << 1 | new) & (1 << 64) - 1
        if carry:
            remainder ^= 0x42F0E1EBA9EA3693
    return remainder


# --- kernels/liveness.py --------------------------------------------------------------------------------------


def details(image):
    """Second differences along rows and columns, by convolution."""
    step = np.array([1.0, -2.0, 1.0])
    return ndimage.convolve(np.asarray(image, np.float64), np.outer(step, step))[1:-1, 1:-1]


def detail_sums(images):
    """What `add_detail` has summed after these images."""
    found = np.array([details(image) for image in images])
    now, last, last_but_one = found[2:], found[1:-1], found[:-2]
    return np.array(
        [
            now.sum(axis=0),
            np.square(now).sum(axis=0),
            np.square(now - last).sum(axis=0),
            np.square(now - last_but_one).sum(axis=0),
            (now != last_but_one).sum(axis=0),
        ]
    )


def noise_shares(noise, nearest, usual):
    """Share and covariance of the last noise (T, N) with each earlier one, the nearest first, from equal signs."""
    now, shares, covariances = np.abs(noise[-1]).mean(), [], []
    for other in noise[::-1][nearest:]:
        correlation = math.sin(math.pi * (np.mean((noise[-1] > 0) == (other > 0)) - 0.5))
        amplitude = np.abs(other).mean()
        shares.append(correlation * now * min(amplitude, usual) / usual**2)
        covariances.append(correlation * now * amplitude)
    return shares, covariances
