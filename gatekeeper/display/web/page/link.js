// Link to the server of the console: messages, and one request at a time, so that nothing queues.

import {t} from "./words.js";

const KINDS = {"<f8": Float64Array, "<f4": Float32Array, "<u2": Uint16Array};

// Decode a message into {...head, arrays: {name: {data, shape}}}; see gatekeeper/display/web/message.py.
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  let at = 8 + length;
  const arrays = {};
  for (const [name, [kind, shape]] of Object.entries(head.arrays)) {
    const count = shape.reduce((a, b) => a * b, 1);
    const data = new KINDS[kind](buffer, at, count);
    arrays[name] = {data, shape};
    at += Math.ceil(data.byteLength / 8) * 8;
  }
  return {...head, arrays};
}

// The token is in the fragment of the address, which browsers do not send; it is removed from view at once.
export function token() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem("token");
}

const key = token();
export const bearer = key ? {Authorization: `Bearer ${key}`} : {};

// Fetch a JSON object; throw an Error with the reason in words on failure.
export async function get(path) {
  const answer = await fetch(path, {headers: bearer});
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

// Fetch the facts about the session.
export const hello = () => get("/hello");

// Fetch the report of a finished session.
export async function report() {
  const answer = await fetch("/report", {headers: bearer});
  if (!answer.ok) throw new Error(await answer.text());
  return answer.blob();
}

export async function post(path, body) {
  const answer = await fetch(path, {method: "POST", headers: {...bearer, "Content-Type": "application/json"}, body: JSON.stringify(body)});
  return answer.json();
}

// A connection with one request at a time.
export class Link {
  constructor(path = "/views") {
    this.path = path;
    this.waiting = null;
  }

  open() {
    const names = ["gatekeeper", ...(key ? [`token.${key}`] : [])];
    return new Promise((resolve, reject) => {
      this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${this.path}`, names);
      this.socket.binaryType = "arraybuffer";
      this.socket.onopen = resolve;
      this.socket.onmessage = (event) => {
        const waiting = this.waiting;
        this.waiting = null;
        waiting?.resolve(typeof event.data === "string" ? JSON.parse(event.data) : unpack(event.data));
      };
      this.socket.onclose = () => {
        const gone = new Error(t("lost.no-answer"));
        reject(gone);
        this.waiting?.reject(gone);
        this.waiting = null;
      };
    });
  }

  ask(asked) {
    return new Promise((resolve, reject) => {
      if (this.socket.readyState !== WebSocket.OPEN) {
        reject(new Error(t("lost.no-answer")));
        return;
      }
      this.waiting = {resolve, reject};
      this.socket.send(JSON.stringify(asked));
    });
  }

  close() {
    this.socket.close();
  }
}
