/** Which of the three views is shown: the first page, one result, or what went wrong. */

import { byId } from "../common/dom.js";
import { startDownloads } from "../result/downloads.js";
import { drawJobs, drawLimits, focusRow, startHome } from "../list/home.js";
import { errorTitle, setLanguage, currentLanguage, t } from "../common/i18n.js";
import { remedyFor } from "../jobs/text.js";
import { adopt, all, hasEnded, onChange, restore } from "../jobs/jobs.js";
import { startKey } from "../api/key.js";
import { restorePlace, watchPlace } from "../list/scroll-position.js";
import { startRecorder } from "../list/recorder.js";
import { drawTitle } from "../list/tab-title.js";
import { drawModel, loadModel } from "../result/reliability.js";
import { retryRefused, startUploads } from "../jobs/uploads.js";
import { closeWorkspace, openWorkspace, startWorkspace } from "../result/workspace.js";

const wantedJob = () => /^#job\/([\w-]+)$/.exec(location.hash)?.[1];

function show(section) {
  for (const id of ["home", "trouble"]) byId(id).hidden = id !== section;
  if (section !== "workspace") closeWorkspace();
}

let trouble = null; // the problem that is told
let result = null; // the entry whose result is shown

/** The server's own explanation is in English; where the page has one in the reader's language, that one is shown. */
function detailOf(problem) {
  if (problem.code === "offline") return { text: t("trouble.offline_detail") };
  const text = remedyFor(problem);
  if (!text || currentLanguage() === "en") return { text: [problem.message, text].filter(Boolean).join(" "), lang: "en" };
  return { text };
}

const titleOf = (problem) => (problem.code === "offline" ? t("trouble.offline") : errorTitle(problem));

const setTitle = () => drawTitle(wantedJob(), trouble && titleOf(trouble));

function tellTrouble() {
  const title = titleOf(trouble);
  const { text, lang } = detailOf(trouble);
  byId("trouble-title").textContent = title;
  byId("trouble-detail").textContent = text;
  byId("trouble-detail").lang = lang ?? currentLanguage();
  byId("trouble-detail").hidden = text === title || text === trouble.title;
  byId("trouble-code").textContent = trouble.code;
  setTitle();
}

function showTrouble(problem) {
  trouble = problem;
  show("trouble");
  tellTrouble();
  byId("trouble-title").focus();
}

/** The list is found again where it was left. */
function showHome() {
  const opened = result?.id;
  result = null;
  trouble = null;
  setTitle();
  if (!byId("home").hidden) return;
  show("home");
  drawJobs();
  restorePlace();
  if (opened) focusRow(opened);
}

async function route() {
  const id = wantedJob();
  if (!id) return showHome();
  const wanted = () => wantedJob() === id;
  const entry = adopt(id);
  try {
    show("workspace");
    trouble = null;
    setTitle();
    await openWorkspace(entry, wanted);
  } catch (problem) {
    if (wanted()) showTrouble(problem);
    return;
  }
  if (!wanted()) return;
  result = entry;
  byId("video-name").focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Who sent one video alone and waits for it is led to its result. */
function openWhenAlone(entry, before) {
  const waiting = all().some((other) => !hasEnded(other));
  const fresh = entry.awaited && (before === "running" || before === "queued");
  if (entry.state === "succeeded" && fresh && !waiting && !byId("home").hidden) location.hash = `#job/${entry.id}`;
}

function startLanguage() {
  byId("language").addEventListener("change", (event) => setLanguage(event.target.value));
  document.addEventListener("language", () => {
    byId("language").value = currentLanguage();
    drawJobs();
    drawLimits();
    drawModel();
    setTitle();
    if (trouble) tellTrouble();
  });
}

/** The address says which result is shown, so the way past the bar must not change it. */
function startSkipping() {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
}

/** Whatever was refused is asked for again; what is on its way stays on it. */
function useKey() {
  retryRefused();
  loadModel().catch(() => {});
  if (!byId("trouble").hidden) route();
}

startLanguage();
startSkipping();
startHome();
startWorkspace();
startRecorder();
startKey(useKey);
setLanguage();
onChange(openWhenAlone);
onChange(setTitle);
restore();
startUploads();
startDownloads();
drawJobs();
watchPlace();
addEventListener("hashchange", route);
route();
loadModel().catch(() => {}); // the pages work without the figures; whatever else fails says so itself
