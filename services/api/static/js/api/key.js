/** The API key, kept in sessionStorage for this tab and sent with every call. */

import { byId, make } from "../common/dom.js";
import { t } from "../common/i18n.js";

const STORED = "duygu.key";

/** Characters that are valid in a header and in the name of a subprotocol. */
const ALLOWED = "[A-Za-z0-9._~\\-]+";

let key = storedKey();
let declined = 0; // when the dialog was last closed without a key, in ms since 1970
let openPrompt = null; // { dialog, outcome, waiting } while the dialog is open; `waiting` counts the calls that need its outcome

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

/** @returns {Record<string, string>} headers of a call */
export const authorization = () => (key ? { Authorization: `Bearer ${key}` } : {});

/** @returns {string[]} subprotocols of a WebSocket, which browsers cannot give headers */
export const subprotocols = () => (key ? ["duygu", `duygu.key.${key}`] : []);

/**
 * Prompt for a key after the one in use was refused. Calls made while the dialog is open share it.
 * @param {{ insist?: boolean, since?: number, signal?: AbortSignal }} options
 *   insist: prompt even if an earlier prompt was closed without a key;
 *   since: when the work that needs the key began, in ms since 1970: a refusal after that holds for it;
 *   signal: aborted when the key is no longer needed; the dialog closes with the last call that needs it
 * @returns {Promise<boolean>} whether another key was entered
 */
export function promptForKey({ insist = true, since = Infinity, signal } = {}) {
  byId("show-key").hidden = false;
  if (signal?.aborted || (declined && (!insist || since <= declined))) return Promise.resolve(false);
  openPrompt ??= newPrompt();
  openPrompt.waiting += 1;
  if (!signal) return openPrompt.outcome;
  return Promise.race([openPrompt.outcome, abortOf(signal).then(leavePrompt(openPrompt))]);
}

const abortOf = (signal) => new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));

/** One call fewer needs the key; closing the dialog for lack of calls does not count as a refusal. */
const leavePrompt = (prompt) => () => {
  prompt.waiting -= 1;
  if (prompt === openPrompt && !prompt.waiting) prompt.dialog.close("withdrawn");
  return false;
};

function newPrompt() {
  const { dialog, outcome } = show(key ? "key.unknown" : "key.required");
  return { dialog, waiting: 0, outcome: outcome.finally(() => { openPrompt = null; }) };
}

/**
 * fetch() with the key. After a 401, prompt for a key and repeat the call.
 * @param {string} path
 * @param {RequestInit} options
 * @param {{ prompt?: boolean, insist?: boolean }} keyOptions prompt: false never opens the dialog; insist as for `promptForKey`
 * @returns {Promise<Response>}
 */
export async function fetchWithKey(path, options = {}, { prompt = true, insist = true } = {}) {
  for (;;) {
    const sent = key;
    const headers = { ...options.headers, ...authorization() };
    const response = await fetch(path, { ...options, headers });
    if (response.status !== 401 || !prompt) return response;
    if (key === sent && !(await promptForKey({ insist }))) return response;
  }
}

/** Show the dialog; `outcome` resolves to whether a key was entered. */
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
  return { dialog, outcome: closed.then(() => readDialog(dialog, input)) };
}

function readDialog(dialog, input) {
  const used = dialog.returnValue === "use";
  if (used) saveKey(input.value.trim());
  if (dialog.returnValue !== "withdrawn") declined = used ? 0 : Date.now();
  dialog.remove();
  return used;
}

/**
 * Start the button that opens the dialog.
 * @param {() => void} onKey called after another key was entered
 */
export function startKey(onKey = () => {}) {
  byId("show-key").hidden = !key;
  byId("show-key").addEventListener("click", async () => {
    if (await show(key ? "key.kept" : "key.required").outcome) onKey();
  });
}
