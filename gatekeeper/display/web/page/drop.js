// Take in files that are dropped or chosen, and send them to the server of the page, which is on this machine.

import {post, put} from "./library-link.js";
import {t} from "./words.js";

// Return the files below a dropped entry, with their paths in it.
async function filesIn(entry, path = "") {
  const name = path ? `${path}/${entry.name}` : entry.name;
  if (entry.isFile) return [[name, await new Promise((resolve, reject) => entry.file(resolve, reject))]];
  const reader = entry.createReader(), inside = [];
  for (;;) {
    // A reader tells a hundred entries at a time.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    inside.push(...some);
  }
  return (await Promise.all(inside.map((one) => filesIn(one, name)))).flat();
}

const isHidden = (path) => path.split("/").some((part) => part.startsWith("."));

export class Dropped {
  // `zone` takes drops, `fields` are inputs of files; `done` is called with the key of the recording.
  constructor(zone, fields, bar, answer, done) {
    Object.assign(this, {bar, answer, done, busy: false});
    const mark = (event, on) => {
      if (![...event.dataTransfer?.types ?? []].includes("Files")) return;
      event.preventDefault();
      zone.classList.toggle("dragged", on);
    };
    zone.addEventListener("dragover", (event) => mark(event, true));
    zone.addEventListener("dragleave", (event) => { if (!event.relatedTarget) mark(event, false); });
    zone.addEventListener("drop", async (event) => {
      mark(event, false);
      // What was dropped is known only until the first await.
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
      const plain = [...event.dataTransfer.files].map((file) => [file.name, file]);
      this.send(entries.length ? (await Promise.all(entries.map((one) => filesIn(one)))).flat() : plain);
    });
    for (const field of fields) {
      field.addEventListener("change", () => {
        this.send([...field.files].map((file) => [file.webkitRelativePath || file.name, file]));
        field.value = "";
      });
    }
  }

  async send(all) {
    const files = all.filter(([path]) => !isHidden(path));
    if (this.busy || !files.length) return;
    this.busy = true;
    this.answer.textContent = "";
    const bytes = files.reduce((sum, [, file]) => sum + file.size, 0);
    let sent = 0, drop = null;
    this.bar.hidden = false;
    this.bar.value = 0;
    try {
      const begun = await post("/drop", {files: files.map(([path, file]) => [path, file.size])});
      if (!begun.accepted) throw new Error(begun.note);
      ({drop} = begun);
      for (const [number, [, file]] of files.entries()) {
        const answer = await put(`/drop/${drop}/${number}`, file, (part) => { this.bar.value = (sent + part) / Math.max(bytes, 1); });
        if (!answer.accepted) throw new Error(answer.note);
        sent += file.size;
      }
      this.answer.textContent = t("drop.arrived");
      await this.done(drop);
    } catch (error) {
      this.answer.textContent = t("drop.refused", {why: error.message});
      if (drop) post(`/wizard/${drop}/close`, {}).catch(() => {});
    }
    this.bar.hidden = true;
    this.busy = false;
  }
}
