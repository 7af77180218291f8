// Enlarge a lane of the strip by a click on its name or by its number, and again for all lanes.

export function offerLarge(strip, changed = () => {}) {
  const {canvas} = strip;
  const toggle = (key) => {
    strip.enlarge(key);
    changed(strip.large);
  };
  canvas.addEventListener("click", (event) => {
    const key = strip.named(event.offsetX, event.offsetY);
    if (key) toggle(key);
  });
  canvas.addEventListener("keydown", (event) => {
    const place = Number(event.key) - 1;
    const lane = event.ctrlKey || event.altKey || event.metaKey ? undefined : strip.measured[place];
    if (!lane) return;
    toggle(lane.key);
    event.preventDefault();
  });
  return toggle;
}
