// Curves and runs of the decisions that the strip shows: from strip.first to strip.last.

// Draw a curve, by minimum and maximum of each pixel column where there are more points than columns.
export function curve(strip, ink, values, y, color, width, dash) {
  ink.strokeStyle = color;
  ink.lineWidth = width;
  ink.setLineDash(dash);
  ink.beginPath();
  const {t} = strip.data;
  let drawn = false, column = null, low = 0, high = 0;
  const flush = () => {
    if (column === null) return;
    if (!drawn) ink.moveTo(column, y(low)); else ink.lineTo(column, y(low));
    if (high !== low) ink.lineTo(column, y(high));
    drawn = true;
    column = null;
  };
  const dense = strip.last - strip.first > 2 * (strip.end - strip.begin);
  for (let i = strip.first; i <= strip.last; i++) {
    const value = values[i];
    if (value === null || value === undefined) {
      flush();
      drawn = false;
      continue;
    }
    const x = Math.min(Math.max(strip.x(t[i]), strip.begin), strip.end);
    const at = dense ? Math.round(x) : x;
    if (column === at) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    } else {
      flush();
      column = at;
      low = high = value;
    }
  }
  flush();
  ink.stroke();
  ink.setLineDash([]);
}

// Return the range of some curves, at least low to high.
export function rangeOf(strip, curves, low, high, counts = () => true) {
  for (const values of curves) {
    for (let i = strip.first; i <= strip.last; i++) {
      const value = values[i];
      if (value !== null && value !== undefined && counts(i)) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
  }
  return [low, high];
}

// Return the last value of a curve that is shown, or null.
export function lastOf(strip, values) {
  for (let i = strip.last; i >= strip.first; i--) if (values[i] !== null && values[i] !== undefined) return values[i];
  return null;
}

// Return the visible runs of decisions with the same value of `of`, as [first, after last].
export function runs(strip, of) {
  const found = [];
  for (let i = strip.first; i <= strip.last && strip.data.t.length;) {
    let next = i + 1;
    while (next <= strip.last && of(next) === of(i)) next++;
    found.push([i, next]);
    i = next;
  }
  return found;
}

// Return where a run begins on the canvas, and its width.
export function span(strip, first, next) {
  const {t} = strip.data, begin = Math.max(strip.x(t[first]), strip.begin);
  const end = Math.min(strip.x(t[Math.min(next, t.length - 1)]), strip.end);
  return [begin, Math.max(end - begin, 0.7)];
}
