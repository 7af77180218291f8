// The library: list sessions and recordings below a folder, filter them, open one, compare two, take in a dropped recording.

import {get, post, token} from "./library-link.js";
import {offerLook} from "./page.js";
import {Dropped} from "./drop.js";
import {courseOf, lasted} from "./entry-words.js";
import {drawPicture} from "./picture.js";
import {language, t} from "./words.js";

const at = (id) => document.getElementById(id);
const KINDS = ["live", "replay", "recording"], VERDICTS = ["complete", "interrupted", "damaged"], ORDERS = ["newest", "oldest", "label", "duty"];
const POLL_MS = 300, FILTERS = ["text", "from", "to", "kind", "verdict", "order"];
const WHEN = new Intl.DateTimeFormat(language, {dateStyle: "medium", timeStyle: "short"});

function element(name, properties = {}, ...inside) {
  const one = document.createElement(name);
  Object.assign(one, properties);
  one.append(...inside);
  return one;
}

// One line of the list.
class Row {
  constructor(entry, library) {
    this.entry = entry;
    this.library = library;
    this.looked = null;
    const {kind, name, path, date} = entry, isSession = kind !== "recording", called = courseOf(entry) || path;
    this.pick = element("input", {type: "checkbox", disabled: !isSession});
    this.pick.setAttribute("aria-label", t("row.compare", {name: called}));
    this.pick.addEventListener("change", () => library.choose(this));
    this.canvas = element("canvas", {className: "thumb", width: 1, height: 1});
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", t("row.picture", {name: called}));
    const open = element("button", {type: "button", textContent: t(isSession ? "row.open" : "row.replay")});
    open.setAttribute("aria-label", t(isSession ? "row.open-name" : "row.replay-name", {name: called}));
    open.addEventListener("click", () => isSession ? library.open(this, open) : location.assign(`/wizard?key=${entry.key}`));
    this.verdict = element("span");
    this.finding = element("span", {className: "finding"});
    this.duration = element("td", {className: "n duration", textContent: lasted(entry.duration_s)});
    this.duty = element("td", {className: "n duty"});
    this.duration.dataset.name = t("head.duration");
    this.duty.dataset.name = t("head.duty");
    this.line = element("tr", {},
      element("td", {className: "pick"}, this.pick), element("td", {className: "picture"}, this.canvas),
      element("td", {className: "when"}, element("time", {dateTime: date, textContent: WHEN.format(new Date(date))})),
      element("td", {className: "label", textContent: courseOf(entry)}),
      element("td", {className: "name"}, name ?? "", element("span", {className: "where", textContent: path})),
      element("td", {className: "kind", textContent: t(`kind.${kind}`)}), this.duration, this.duty,
      element("td", {className: "judged"}, this.verdict, this.finding), element("td", {className: "open"}, open));
    this.line.setAttribute("role", "row");
    for (const cell of this.line.children) cell.setAttribute("role", "cell");
    this.line.row = this;
    this.told(entry.duty_cycle, entry.finding ?? "");
  }

  get words() {
    const {name, path, label, kind, format} = this.entry;
    return [name, path, label, kind, format, courseOf(this.entry)].join(" ").toLowerCase();
  }

  // The verdict of the check; before it, that of the last line.
  get judged() {
    return this.looked?.verdict ?? (this.entry.finding ? "damaged" : this.entry.kind === "recording" ? "" : null);
  }

  told(duty, finding) {
    this.duty.textContent = typeof duty === "number" ? `${(100 * duty).toFixed(1)} %` : "–";
    const {judged} = this;
    this.verdict.className = judged ? `verdict ${judged}` : "quiet";
    this.verdict.textContent = judged === null ? t("verdict.unchecked") : judged ? t(`verdict.${judged}`) : this.entry.format;
    this.finding.textContent = finding;
  }

  async look() {
    if (this.looked) return;
    const found = await post("/look", {key: this.entry.key});
    if (!found.accepted) return;
    this.looked = found;
    if (found.duration_s !== undefined) this.duration.textContent = lasted(found.duration_s);
    this.told(found.duty_cycle ?? this.entry.duty_cycle, found.finding);
    if (found.picture) await drawPicture(this.canvas, found.picture);
  }
}

class Library {
  constructor() {
    this.rows = [];
    this.chosen = [];
    this.waiting = [];  // rows to look at, those in view first
    this.looking = false;
    this.total = 0;
    // Pictures are made when their rows come into view.
    this.seen = new IntersectionObserver((changes) => {
      for (const {target, isIntersecting} of changes) if (isIntersecting && !target.row.looked) this.waiting.unshift(target.row);
      this.lookAtAll();
    }, {rootMargin: "200px"});
    this.listen();
  }

  async load() {
    for (;;) {
      const told = await get(`/library?after=${this.rows.length}`);
      at("folder").textContent = told.folder;
      for (const entry of told.entries) this.rows.push(new Row(entry, this));
      this.total = told.total;
      this.done = told.done;
      at("closed").hidden = !told.closed.length;
      at("closed").replaceChildren(...told.closed.map((text) => element("li", {textContent: text})));
      if (told.entries.length || told.done) this.show();
      if (told.done) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    this.waiting.push(...this.rows);
    this.lookAtAll();
  }

  // One at a time, so that one that comes into view need not wait for all others.
  async lookAtAll() {
    if (this.looking) return;
    this.looking = true;
    while (this.waiting.length) {
      const row = this.waiting.shift();
      if (!row.looked) {
        try {
          await row.look();
        } catch {
          break;  // the library has ended
        }
        this.count();
        if (at("verdict").value) this.show();
      }
    }
    this.looking = false;
  }

  get filters() {
    return Object.fromEntries(FILTERS.map((name) => [name, at(name).value]));
  }

  matching() {
    const {text, from, to, kind, verdict, order} = this.filters, words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const day = ({entry}) => {
      const date = new Date(entry.date), two = (value) => String(value).padStart(2, "0");
      return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    };
    const found = this.rows.filter((row) => (!kind || row.entry.kind === kind) && (!verdict || row.judged === verdict)
      && (!from || day(row) >= from) && (!to || day(row) <= to) && words.every((word) => row.words.includes(word)));
    const duty = (row) => row.looked?.duty_cycle ?? row.entry.duty_cycle ?? -1;
    const orders = {
      newest: (one, other) => other.entry.date.localeCompare(one.entry.date),
      oldest: (one, other) => one.entry.date.localeCompare(other.entry.date),
      label: (one, other) => (one.entry.label ?? "~").localeCompare(other.entry.label ?? "~") || (one.entry.fraction ?? 0) - (other.entry.fraction ?? 0),
      duty: (one, other) => duty(other) - duty(one),
    };
    return found.sort(orders[order] ?? orders.newest);
  }

  show() {
    this.shown = this.matching();
    const lines = this.shown.map((row) => row.line), {children} = at("rows");
    if (children.length !== lines.length || lines.some((line, place) => children[place] !== line)) at("rows").replaceChildren(...lines);
    for (const line of lines) this.seen.observe(line);
    at("list").hidden = !lines.length;
    at("nothing").hidden = Boolean(lines.length) || !this.done;
    this.count();
  }

  count() {
    const looked = this.rows.filter((row) => row.looked).length, all = this.rows.length;
    const words = [t("found.shown", {shown: this.shown?.length ?? 0, all})];
    if (!this.done) words.push(t("found.looking"));
    else if (looked < all) words.push(t("found.checked", {looked, all}));
    at("found").textContent = words.join(" · ");
    document.body.dataset.looked = looked;
  }

  // Two sessions at most; a third one takes the place of the first.
  choose(row) {
    this.chosen = this.chosen.filter((one) => one !== row);
    if (row.pick.checked) this.chosen.push(row);
    if (this.chosen.length > 2) this.chosen.shift().pick.checked = false;
    for (const one of this.rows) one.line.classList.toggle("chosen", one.pick.checked);
    at("chosen").hidden = !this.chosen.length;
    at("compare").disabled = this.chosen.length < 2;
    const names = this.chosen.map(({entry}) => courseOf(entry) || entry.path);
    at("chosen-words").textContent = names.length < 2 ? t("compare.one-more", {name: names[0]}) : t("compare.two", {one: names[0], other: names[1]});
  }

  async open(row, button) {
    button.disabled = true;
    at("found").textContent = t("row.opening", {name: courseOf(row.entry) || row.entry.path});
    try {
      const found = await post("/open", {key: row.entry.key});
      if (found.accepted) location.assign(found.url);
      else row.finding.textContent = found.note;
    } catch {
      row.finding.textContent = t("lost.no-answer");
    }
    button.disabled = false;
    this.count();
  }

  listen() {
    const options = (names, words) => names.map((name) => new Option(words(name), name));
    for (const id of ["kind", "verdict"]) at(id).append(new Option(t("filters.all"), ""));
    at("kind").append(...options(KINDS, (name) => t(`kind.${name}`)));
    at("verdict").append(...options(VERDICTS, (name) => t(`verdict.${name}`)));
    at("order").append(...options(ORDERS, (name) => t(`order.${name}`)));
    for (const name of FILTERS) at(name).addEventListener("input", () => this.show());
    at("filters").addEventListener("reset", () => setTimeout(() => this.show()));
    at("filters").addEventListener("submit", (event) => event.preventDefault());
    at("compare").addEventListener("click", () => location.assign(`/compare?a=${this.chosen[0].entry.key}&b=${this.chosen[1].entry.key}`));
    at("clear").addEventListener("click", () => {
      for (const row of [...this.chosen]) {
        row.pick.checked = false;
        this.choose(row);
      }
    });
    at("again").addEventListener("click", async () => {
      await post("/again", {});
      location.reload();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.matches("input, select, textarea")) return;
      event.preventDefault();
      at("text").focus();
    });
  }
}

token();
document.title = t("library.title");
offerLook();
new Dropped(document.body, [at("file"), at("files")], at("sent"), at("drop-answer"), (drop) => location.assign(`/wizard?drop=${drop}`));
const library = new Library();
try {
  await library.load();
} catch (error) {
  at("found").textContent = error.message;
}
