/** Which of the three views is shown: the first page, one result, or what went wrong. */

import { startKey } from "../api/key.js";
import { loadLimits } from "../api/limits.js";
import { byId } from "../common/dom.js";
import { errorTitle, setLanguage, currentLanguage, t } from "../common/i18n.js";
import { adopt, all, hasEnded, onChange, restore } from "../jobs/jobs.js";
import { remedyFor } from "../jobs/text.js";
import { retryRefused, startUploads } from "../jobs/uploads.js";
import { drawLimits, startDropZone } from "../list/drop-zone.js";
import { drawJobs, focusRow, startJobList } from "../list/job-list.js";
import { startRecorder } from "../list/recorder.js";
import { restoreScroll, watchScroll } from "../list/scroll-position.js";
import { drawTitle } from "../list/tab-title.js";
import { startDownloads } from "../result/downloads.js";
import { drawModel, loadModel } from "../result/reliability.js";
import { closeWorkspace, openWorkspace, startWorkspace } from "../result/workspace.js";

const wantedJob = () => /^#job\/([\w-]+)$/.exec(location.hash)?.[1];

function show(section) {
  for (const id of ["home", "trouble"]) byId(id).hidden = id !== section;
  if (section !== "workspace") closeWorkspace();
}

let shownProblem = null; // the problem that is told
let result = null; // the entry whose result is shown

/** The server's own explanation is in English; where the page has one in the reader's language, that one is shown. */
function detailOf(problem) {
  if (problem.code === "offline") return { text: t("trouble.offline_detail") };
  const text = remedyFor(problem);
  if (!text || currentLanguage() === "en") return { text: [problem.message, text].filter(Boolean).join(" "), lang: "en" };
  return { text };
}

const titleOf = (problem) => (problem.code === "offline" ? t("trouble.offline") : errorTitle(problem));

const setTitle = () => drawTitle(wantedJob(), shownProblem && titleOf(shownProblem));

function drawProblem() {
  const title = titleOf(shownProblem);
  const { text, lang } = detailOf(shownProblem);
  byId("trouble-title").textContent = title;
  byId("trouble-detail").textContent = text;
  byId("trouble-detail").lang = lang ?? currentLanguage();
  byId("trouble-detail").hidden = text === title || text === shownProblem.title;
  byId("trouble-code").textContent = shownProblem.code;
  setTitle();
}

function showProblem(problem) {
  shownProblem = problem;
  show("trouble");
  drawProblem();
  byId("trouble-title").focus();
}

/** The list is found again where it was left. */
function showHome() {
  const opened = result?.id;
  result = null;
  shownProblem = null;
  setTitle();
  if (!byId("home").hidden) return;
  show("home");
  drawJobs();
  restoreScroll();
  if (opened) focusRow(opened);
}

async function route() {
  const id = wantedJob();
  if (!id) return showHome();
  const wanted = () => wantedJob() === id;
  const entry = adopt(id);
  try {
    show("workspace");
    shownProblem = null;
    setTitle();
    await openWorkspace(entry, wanted);
  } catch (problem) {
    if (wanted()) showProblem(problem);
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
    if (shownProblem) drawProblem();
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
startDropZone();
startJobList();
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
watchScroll();
addEventListener("hashchange", route);
route();
loadModel().catch(() => {}); // the pages work without the figures
loadLimits().then(() => { drawLimits(); drawJobs(); }).catch(() => {}); // the server checks every upload anyway
