/** Which of the three views is shown: the first page, one result, or what went wrong. */

import { byId } from "./dom.js";
import { drawJobs, startHome } from "./home.js";
import { errorTitle, setLanguage, currentLanguage, t } from "./i18n.js";
import { adopt, all, hasEnded, onChange, restore, retryRefused } from "./jobs.js";
import { startKey } from "./key.js";
import { startRecorder } from "./recorder.js";
import { drawTitle } from "./title.js";
import { drawModel, loadModel } from "./trust.js";
import { closeWorkspace, openWorkspace, startWorkspace } from "./workspace.js";

const wantedJob = () => /^#job\/([\w-]+)$/.exec(location.hash)?.[1];

function show(section) {
  for (const id of ["home", "trouble"]) byId(id).hidden = id !== section;
  if (section !== "workspace") closeWorkspace();
}

let trouble = null; // the problem that is told

function tellTrouble() {
  const offline = trouble.code === "offline";
  const title = offline ? t("trouble.offline") : errorTitle(trouble);
  const detail = offline ? t("trouble.offline_detail") : trouble.message;
  byId("trouble-title").textContent = title;
  byId("trouble-detail").textContent = detail;
  byId("trouble-detail").hidden = detail === title;
  byId("trouble-code").textContent = trouble.code;
}

function showTrouble(problem) {
  trouble = problem;
  show("trouble");
  tellTrouble();
  byId("trouble-title").focus();
}

async function route() {
  const id = wantedJob();
  drawTitle(id);
  if (!id) return show("home");
  const wanted = () => wantedJob() === id;
  try {
    show("workspace");
    await openWorkspace(adopt(id), wanted);
  } catch (problem) {
    if (wanted()) showTrouble(problem);
    return;
  }
  if (!wanted()) return;
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
    drawModel();
    drawTitle(wantedJob());
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
onChange(() => drawTitle(wantedJob()));
restore();
drawJobs();
addEventListener("hashchange", route);
route();
loadModel().catch(() => {}); // the pages work without the figures; whatever else fails says so itself
