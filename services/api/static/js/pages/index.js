/** The page at /: routes between the list, a result, and a problem. */

import { Problem } from "../api/client.js";
import { startKey } from "../api/key.js";
import { keepsResults, loadLimits } from "../api/limits.js";
import { byId } from "../common/dom.js";
import { currentLanguage, setLanguage, t } from "../common/i18n.js";
import { detailOf, titleOf } from "../common/trouble.js";
import { adopt, all, hasEnded, onChange, restore } from "../jobs/jobs.js";
import { remedyFor } from "../jobs/text.js";
import { retryRefused, startUploads } from "../jobs/uploads.js";
import { drawLimits, startDropZone } from "../list/drop-zone.js";
import { drawLinkForm, startLinkForm } from "../list/link-form.js";
import { drawJobs, focusRow, startJobList } from "../list/job-list.js";
import { startRecorder } from "../list/recorder.js";
import { restoreScroll, watchScroll } from "../list/scroll-position.js";
import { loadList, startServerList } from "../list/server-list.js";
import { drawStudies, loadStudies, startStudyList } from "../list/study-list.js";
import { drawTitle } from "../list/tab-title.js";
import { startPictures } from "../pictures/pictures.js";
import { startDownloads } from "../result/downloads.js";
import { drawModel, loadModel } from "../result/reliability.js";
import { closeWorkspace, openWorkspace, startWorkspace } from "../result/workspace.js";

/** The job that the address names, and whether its result is shown without edits. */
const ADDRESS = /^#job\/([\w-]+)(\/computed)?$/;
const wantedJob = () => ADDRESS.exec(location.hash)?.[1];
const wantsComputed = () => Boolean(ADDRESS.exec(location.hash)?.[2]);

function show(section) {
  for (const id of ["home", "trouble"]) byId(id).hidden = id !== section;
  if (section !== "workspace") closeWorkspace();
}

let shownProblem = null;
let result = null; // the entry whose result is shown

const setTitle = () => drawTitle(wantedJob(), shownProblem && titleOf(shownProblem));

function drawProblem() {
  const title = titleOf(shownProblem);
  const { text, lang } = detailOf(shownProblem, remedyFor(shownProblem));
  byId("trouble-title").textContent = title;
  byId("trouble-detail").textContent = text;
  byId("trouble-detail").lang = lang ?? currentLanguage();
  byId("trouble-detail").hidden = !text;
  byId("trouble-code").textContent = shownProblem.code;
  setTitle();
}

function showProblem(problem) {
  shownProblem = problem;
  show("trouble");
  drawProblem();
  byId("trouble-title").focus();
}

/** Show the list, scrolled to where it was left. */
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
    if (!(await openWorkspace(entry, wanted, wantsComputed()))) return;
  } catch (problem) {
    if (wanted()) showProblem(problem);
    if (!(problem instanceof Problem)) throw problem; // a fault of this page: keep it visible in the console
    return;
  }
  if (!wanted()) return;
  result = entry;
  byId("label-now").href = byId("label-link").href = `/label#job/${id}`;
  byId("agreement-link").href = `/agreement#job/${id}`;
  byId("video-name").focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Open the result of a single video that was sent from this page, once no other job is waiting. */
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
    drawStudies();
    drawLimits();
    drawModel();
    setTitle();
    if (shownProblem) drawProblem();
  });
}

/** The skip link moves the focus without its own hash: the hash of the address names the result. */
function startSkipping() {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
}

/** Repeat with the new key what was refused; uploads in progress continue. */
function useKey() {
  retryRefused();
  loadList();
  loadStudies();
  loadModel().catch(() => {});
  if (!byId("trouble").hidden) route();
}

/** What depends on the limits of the server. Without them the page works: the server checks every upload anyway. */
function useLimits() {
  drawLimits();
  drawLinkForm();
  drawJobs();
  if (!keepsResults()) return;
  loadList();
  loadStudies();
}

startLanguage();
startSkipping();
startDropZone();
startPictures();
startLinkForm();
startJobList();
startWorkspace();
startRecorder();
startServerList();
startStudyList();
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
loadLimits().then(useLimits).catch(() => {});
