// For the operator: the address of the patient's page, as text and as QR code, and messages to the patient.

import {get} from "./link.js";
import {t} from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4;  // modules around a QR code
const at = (id) => document.getElementById(id);

function drawn(rows) {
  const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path"), side = rows.length + 2 * QUIET;
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", t("patient.qr"));
  path.setAttribute("d", rows.flatMap((row, y) => [...row].map((bit, x) => (bit === "1" ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : ""))).join(""));
  svg.append(path);
  return svg;
}

// Show the address once it is asked for; without an operator there are no messages.
export function offerPatient(phrases, operator) {
  const box = at("for-patient");
  box.hidden = false;
  box.addEventListener("toggle", async () => {
    if (!box.open || at("patient-qr").firstChild) return;
    const {url, rows} = await get("/patient/address");
    at("patient-link").textContent = at("patient-link").href = url;
    at("patient-qr").replaceChildren(drawn(rows));
  });
  at("patient-say").hidden = !operator;
  if (!operator) return;
  for (const phrase of phrases) at("phrase").append(new Option(t(`phrase.${phrase.replaceAll(" ", "-")}`), phrase));
  at("tell").addEventListener("click", () => {
    const name = operator.name();
    if (name !== null) operator.send(["message", at("phrase").value], name);
  });
}
