/** Which of the three views is shown: the first page, one result, or what went wrong. */

import { byId } from "./dom.js";
import { drawJobs, startHome } from "./home.js";
import { errorTitle, setLanguage, currentLanguage, t } from "./i18n.js";
import { adopt, all, hasEnded, onChange, restore } from "./jobs.js";
import { startKey } from "./key.js";
import { startRecorder } from "./recorder.js";
import { drawModel, loadModel } from "./trust.js";
import { closeWorkspace, openWorkspace, startWorkspace } from "./workspace.js";

const wantedJob = () => /^#job\/([\w-]+)$/.exec(location.hash)?.[1];

function show(section) {
  for (const id of ["home", "trouble"]) byId(id).hidden = id !== section;
  if (section !== "workspace") closeWorkspace();
}

function showTrouble(problem) {
  show("trouble");
  byId("trouble-title").textContent = problem.code === "offline" ? t("trouble.offline") : errorTitle(problem);
  byId("trouble-detail").textContent = problem.code === "offline" ? t("trouble.offline_detail") : problem.message;
  byId("trouble-code").textContent = problem.code;
  byId("trouble-title").focus();
}

async function route() {
  const id = wantedJob();
  if (!id) return show("home");
  try {
    show("workspace");
    await openWorkspace(adopt(id));
    byId("video-name").focus({ preventScroll: true });
    scrollTo(0, 0);
  } catch (problem) {
    showTrouble(problem);
  }
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
  });
}

startLanguage();
startHome();
startWorkspace();
startRecorder();
startKey();
setLanguage();
onChange(openWhenAlone);
restore();
drawJobs();
addEventListener("hashchange", route);
route();
loadModel().catch(() => {}); // the pages work without the figures; whatever else fails says so itself
