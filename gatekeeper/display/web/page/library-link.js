// Requests to the server of the library.

import {bearer, get, post, token} from "./link.js";
import {t} from "./words.js";

export {get, post, token};

export async function getMessage(path) {
  const answer = await fetch(path, {headers: bearer});
  if (!answer.ok) throw new Error(await answer.text());
  return answer.arrayBuffer();
}

// Send a file; `told` is called with the number of bytes that were sent.
export function put(path, file, told) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    for (const [name, value] of Object.entries(bearer)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => told(event.loaded));
    request.addEventListener("load", () => {
      try {
        resolve(JSON.parse(request.responseText));
      } catch {
        reject(new Error(t("lost.no-answer")));
      }
    });
    request.addEventListener("error", () => reject(new Error(t("lost.no-answer"))));
    request.send(file);
  });
}
