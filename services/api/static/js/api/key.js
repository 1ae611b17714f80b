/** The API key of a service that asks for one: kept for this tab alone, and sent with whatever the page asks for. */

import { byId, make } from "../common/dom.js";
import { t } from "../common/i18n.js";

const STORED = "duygu.key";

/** What may stand in a header and in the name of a subprotocol. */
const ALLOWED = "[A-Za-z0-9._~\\-]+";

let key = storedKey();
let declined = 0; // when the person last closed the question without a key, in ms since 1970
let openPrompt = null; // { dialog, answer, askers } while the question is open

function storedKey() {
  try {
    return sessionStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function saveKey(text) {
  key = text || null;
  try {
    if (key) sessionStorage.setItem(STORED, key);
    else sessionStorage.removeItem(STORED);
  } catch {
    // Private windows may forbid storage; the key then lasts until the page closes.
  }
}

/** Headers of a call. */
export const authorization = () => (key ? { Authorization: `Bearer ${key}` } : {});

/** Subprotocols of a socket: browsers cannot give it headers. */
export const subprotocols = () => (key ? ["duygu", `duygu.key.${key}`] : []);

/**
 * Ask the person for a key, since the one that was sent did not do. Resolves to whether there is another one now.
 *
 * insist  ask also who has refused before, as where something cannot be done without
 * since   when what needs the key was begun, in ms since 1970: a refusal after that holds for it too
 * signal  aborted when the key is needed no longer; the question is closed once nobody needs its answer
 */
export function promptForKey({ insist = true, since = Infinity, signal } = {}) {
  byId("show-key").hidden = false;
  if (signal?.aborted || (declined && (!insist || since <= declined))) return Promise.resolve(false);
  openPrompt ??= newPrompt();
  openPrompt.waiting += 1;
  if (!signal) return openPrompt.answer;
  return Promise.race([openPrompt.answer, abortOf(signal).then(leavePrompt(openPrompt))]);
}

const abortOf = (signal) => new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));

/** The answer is needed no longer; whoever has not refused is not taken for refusing. */
const leavePrompt = (prompt) => () => {
  prompt.waiting -= 1;
  if (prompt === openPrompt && !prompt.waiting) prompt.dialog.close("withdrawn");
  return false;
};

function newPrompt() {
  const { dialog, answer } = show(key ? "key.unknown" : "key.asked");
  return { dialog, waiting: 0, answer: answer.finally(() => { openPrompt = null; }) };
}

/** Fetch; where a key is asked for, ask the person, unless `ask` is false, and try again. */
export async function fetchWithKey(path, options = {}, { prompt = true, insist = true } = {}) {
  for (;;) {
    const sent = key;
    const headers = { ...options.headers, ...authorization() };
    const response = await fetch(path, { ...options, headers });
    if (response.status !== 401 || !prompt) return response;
    if (key === sent && !(await promptForKey({ insist }))) return response;
  }
}

/** Show the dialog; `answer` resolves to whether a key was entered. */
function show(reason) {
  const input = make("input", {
    id: "key-input", type: "password", autocomplete: "off", spellcheck: "false", pattern: ALLOWED, required: true,
    "aria-describedby": "key-note",
  });
  const dialog = make("dialog", { id: "key", "aria-labelledby": "key-title" },
    make("h2", { id: "key-title" }, t("key.title")),
    make("p", { id: "key-note" }, t(reason)),
    make("form", { method: "dialog", class: "key-form" },
      make("label", { for: "key-input" }, t("key.label")),
      input,
      make("div", { class: "dialog-actions" },
        make("button", { class: "button primary", value: "use" }, t("key.use")),
        make("button", { class: "button", value: "", formnovalidate: true }, t("close")))));
  document.body.append(dialog);
  dialog.showModal();
  const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return { dialog, answer: closed.then(() => readDialog(dialog, input)) };
}

function readDialog(dialog, input) {
  const used = dialog.returnValue === "use";
  if (used) saveKey(input.value.trim());
  if (dialog.returnValue !== "withdrawn") declined = used ? 0 : Date.now();
  dialog.remove();
  return used;
}

/** The button in the bar, for those who want to enter another key; `onKey` does again what failed for want of it. */
export function startKey(onKey = () => {}) {
  byId("show-key").hidden = !key;
  byId("show-key").addEventListener("click", async () => {
    if (await show(key ? "key.kept" : "key.asked").answer) onKey();
  });
}
