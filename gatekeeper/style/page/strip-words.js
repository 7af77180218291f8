// Words of the strip; a page in another language gives its own.

export const WORDS = {
  motion: "position", outside: "outside", confidence: "confidence", beam: "beam", on: "ON", limit: "limit {value}", resume: "resume {value}",
  asked: "if {value}", ahead: "ahead", enabled: "BEAM ON", hold: "HOLD: {why}",
};

// Return a text with values in the places of their names.
export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
