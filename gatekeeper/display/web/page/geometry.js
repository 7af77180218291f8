// Geometry of drawn contours, points as [row, col] in px. A scale holds canvas pixels per px along rows
// and columns, so that distances are those on the canvas.

export const ELLIPSE_POINTS = 48;

// Return the ellipse inscribed in the box between two corners.
export function ellipseOf(one, other) {
  const middle = [0, 1].map((axis) => (one[axis] + other[axis]) / 2);
  const radius = [0, 1].map((axis) => Math.abs(one[axis] - other[axis]) / 2);
  return Array.from({length: ELLIPSE_POINTS}, (_, number) => {
    const angle = 2 * Math.PI * number / ELLIPSE_POINTS;
    return [middle[0] - radius[0] * Math.cos(angle), middle[1] + radius[1] * Math.sin(angle)];
  });
}

function apart(one, other, {down, right}) {
  return Math.hypot((one[0] - other[0]) * down, (one[1] - other[1]) * right);
}

// Return the index of the nearest point within a distance on the canvas, or -1.
export function pointAt(points, spot, scale, reach) {
  let found = -1, least = reach;
  points.forEach((point, number) => {
    const far = apart(point, spot, scale);
    if (far <= least) [found, least] = [number, far];
  });
  return found;
}

// Return the nearest edge, by the index of the point before it, and the nearest position on it.
export function edgeAt(points, spot, scale, reach) {
  let found = null, least = reach;
  points.forEach((from, number) => {
    const place = nearest(from, points[(number + 1) % points.length], spot, scale), far = apart(place, spot, scale);
    if (far <= least) [found, least] = [{behind: number, place}, far];
  });
  return found;
}

function nearest(from, to, spot, {down, right}) {
  const [u, v] = [(to[0] - from[0]) * down, (to[1] - from[1]) * right], long = u * u + v * v;
  const along = long > 0 ? (u * (spot[0] - from[0]) * down + v * (spot[1] - from[1]) * right) / long : 0;
  const share = Math.min(Math.max(along, 0), 1);
  return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
}

export function isInside(points, spot) {
  let inside = false;
  points.forEach((to, number) => {
    const from = points.at(number - 1);
    if ((from[0] > spot[0]) !== (to[0] > spot[0]) &&
      spot[1] < from[1] + (spot[0] - from[0]) / (to[0] - from[0]) * (to[1] - from[1])) inside = !inside;
  });
  return inside;
}

const FINEST_PX = 0.02, COARSER = 1.25, FEWEST = 3;

// Simplify a closed contour to a number of points (Ramer, Douglas and Peucker).
export function thinned(points, most) {
  let fewer = points;
  for (let apartPx = FINEST_PX; fewer.length > Math.max(most, FEWEST); apartPx *= COARSER) {
    // Split the loop at the first point and at the point farthest from it.
    const far = farthest(points.map((point) => apart(point, points[0], {down: 1, right: 1})));
    const kept = [...chain([...points.slice(0, far + 1)], apartPx).slice(0, -1), ...chain([...points.slice(far), points[0]], apartPx).slice(0, -1)];
    if (kept.length < FEWEST) break;
    fewer = kept;
  }
  return fewer;
}

function farthest(distances) {
  return distances.indexOf(Math.max(...distances));
}

function chain(points, apartPx) {
  const last = points.length - 1, flat = {down: 1, right: 1};
  if (last < 2) return points;
  const far = points.map((point) => apart(point, nearest(points[0], points[last], point, flat), flat)), cut = farthest(far);
  if (far[cut] <= apartPx) return [points[0], points[last]];
  return [...chain(points.slice(0, cut + 1), apartPx).slice(0, -1), ...chain(points.slice(cut), apartPx)];
}
