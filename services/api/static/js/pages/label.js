/** The page at /label: a rater says what each face shows. Nothing of the model is requested, so the page cannot show it. */

import { getFile, getJob, Problem } from "../api/client.js";
import { startKey } from "../api/key.js";
import { getLabels, getTask, putLabels } from "../api/labels.js";
import { announce, byId, make, setIcon } from "../common/dom.js";
import { clock, currentLanguage, errorTitle, percent, setLanguage, span, t } from "../common/i18n.js";
import { showTrouble, titleOf } from "../common/trouble.js";
import { compareFile } from "../file-check/comparison.js";
import { recallRecording } from "../jobs/recordings.js";
import { ANSWER_KEYS, CANNOT_TELL } from "../labelling/answers.js";
import { keepDraft, lastRater, loadDraft, raterName, rememberRater } from "../labelling/draft.js";
import { Moments } from "../labelling/moments.js";
import { Saving } from "../labelling/saving.js";
import { drawBox, drawStrip } from "../labelling/stage.js";
import { Stretches } from "../labelling/stretches.js";
import { Player } from "../result/player.js";

const SEED = 1; // the same moments for every rater, so that their answers can be compared
const FRAME_S = 1 / 25; // of a step where the rate is unknown
const ARROW_S = 0.5;

const job = /^#job\/([\w-]+)$/.exec(location.hash)?.[1];
const player = new Player(byId("video"));

let rater = "";
let draft = null;
let work = null; // Moments or Stretches
let saving = null;
let saveState = "saved";

const nameOf = (answer) => t(answer === CANNOT_TELL ? "label.cannot_tell" : `emotions.${answer}`);

const isMoments = () => work instanceof Moments;

function showProblem(problem) {
  byId("setup").hidden = true;
  byId("labelling").hidden = true;
  showTrouble(problem);
}

/** Open the task: what this browser kept of it, or a new one with the labels that the server has. */
async function open(minutes) {
  const kept = loadDraft(job, rater);
  if (kept?.task && kept.minutes === minutes) {
    draft = kept;
  } else {
    const [task, stored] = await Promise.all([getTask(job, rater, minutes, SEED), getLabels(job, rater)]);
    const unsaved = kept ? { labels: kept.labels, base: kept.base, version: kept.version } : null;
    draft = { task, minutes, seed: SEED, ...(unsaved ?? { labels: stored.labels, base: stored.labels, version: stored.version }) };
  }
  const calls = {
    put: (labels, version) => putLabels(job, rater, labels, version),
    get: () => getLabels(job, rater),
    keep: () => keepDraft(job, rater, draft),
  };
  saving = new Saving(draft, calls, showSaveState);
  work = minutes ? new Moments(draft) : new Stretches(draft);
  calls.keep();
}

function showSaveState(state, problem) {
  saveState = state;
  const text = state === "failed" ? errorTitle(problem) : t(`label.${state}`);
  byId("save-state").textContent = text;
  byId("save-state").dataset.state = state;
}

async function begin(event) {
  event.preventDefault();
  rater = raterName(byId("rater").value).replace(/-$/, "");
  const minutes = document.forms.setup.elements.kind.value === "moments" ? Number(byId("minutes").value) : 0;
  try {
    await open(minutes);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    byId("setup-problem").hidden = false;
    byId("setup-problem").textContent = titleOf(problem);
    return;
  }
  rememberRater(rater);
  byId("setup").hidden = true;
  byId("labelling").hidden = false;
  player.open({ duration: draft.task.video.duration_s, frame: FRAME_S });
  attachKept();
  drawTexts();
  if (saving.pending) saving.schedule(0);
  if (isMoments()) playMoment();
  draw();
  byId("labelling-title").focus();
}

/** Where this browser or the service keeps the video, nothing has to be chosen. */
async function attachKept() {
  const recording = await recallRecording(job);
  if (recording && !player.url) {
    attach(recording);
    return;
  }
  const { links } = await getJob(job).catch(() => ({ links: {} }));
  if (!links.upload || player.url) return;
  const video = await getFile(links.upload).catch(() => null); // it can still be chosen
  if (video) attach(new File([video], "video"));
}

function attach(file) {
  player.attach(file);
  byId("stage-note").hidden = true;
  if (isMoments()) playMoment();
}

async function chooseFile({ target }) {
  const [file] = target.files;
  target.value = "";
  if (!file) return;
  const { width, height, duration_s: duration } = draft.task.video;
  byId("stage-text").textContent = t("label.checking");
  const readVideo = async () => ({ width, height, duration });
  const difference = await compareFile(file, { id: job, video: { width, height, duration_s: duration } }, { onSameSize: () => {}, readVideo });
  byId("stage-text").textContent = difference ? difference() : t("label.choose");
  if (!difference) attach(file);
}

function playMoment() {
  if (!work.current) return;
  player.seek(work.loop.from);
  player.play();
}

/** Repeat the moment. */
function followTime() {
  if (isMoments() && work.current && player.playing && player.time >= work.loop.to) player.seek(work.loop.from);
  draw();
}

function give(emotion) {
  if (isMoments()) {
    if (!work.current) return;
    const complete = work.give(emotion);
    announce(t("label.announce", { answer: nameOf(emotion), left: work.total - work.done }));
    if (complete) announce(t("label.complete"));
    playMoment();
  } else if (!work.give(emotion, player.time)) {
    return;
  }
  saving.schedule();
  draw();
}

function move(by) {
  if (isMoments()) {
    work.move(by);
    playMoment();
  } else {
    player.seek(player.time + by * ARROW_S);
  }
  draw();
}

const answerNow = () => (isMoments() ? work.answer : work.answerAt(player.time));

function drawAnswers() {
  const button = ([key, emotion]) =>
    make("button", { class: `button ${emotion}`, type: "button", "data-answer": emotion, "aria-keyshortcuts": key, onclick: () => give(emotion) },
      make("span", {}, nameOf(emotion)), make("kbd", {}, key));
  byId("answers").replaceChildren(...[...ANSWER_KEYS].map(button));
}

function drawFaces() {
  byId("face-choice").hidden = isMoments();
  byId("strip").hidden = isMoments();
  if (isMoments()) return;
  const option = ({ face_id: id, name }) => make("option", { value: id }, name ?? t("faces.name", { id }));
  byId("face").replaceChildren(...work.faces.map(option));
  byId("face").value = work.faceId;
}

function drawProgress() {
  if (isMoments()) {
    byId("progress").max = Math.max(work.total, 1);
    byId("progress").value = work.done;
    const place = { done: work.done, total: work.total, left: span(work.secondsLeft) };
    byId("progress-text").textContent = t(work.done < work.total ? "label.progress_text" : "label.complete", place);
  } else {
    byId("progress").max = 1;
    byId("progress").value = work.face ? Math.min(work.share, 1) : 0;
    byId("progress-text").textContent = work.face ? t("label.share", { share: percent(Math.min(work.share, 1)) }) : t("label.no_face");
  }
}

function draw() {
  if (!work) return;
  const answer = answerNow();
  for (const button of byId("answers").children) button.setAttribute("aria-pressed", String(button.dataset.answer === answer));
  byId("labelling-title").textContent = titleText();
  byId("clock").textContent = `${clock(player.time)} / ${clock(draft.task.video.duration_s)}`;
  setIcon(byId("play"), player.playing ? "pause" : "play");
  drawProgress();
  drawBox(byId("overlay"), draft.task.video, work.face, player.time);
  if (!isMoments() && work.face) {
    drawStrip(byId("strip"), { labels: draft.labels, face: work.face, duration: draft.task.video.duration_s, time: player.time });
  }
}

function titleText() {
  if (!isMoments()) return t("label.title_stretches");
  if (!work.total) return t("label.no_moment");
  return t("label.title_moment", { number: work.index + 1, total: work.total });
}

function drawTexts() {
  byId("language").value = currentLanguage();
  if (!work) return;
  byId("label-help").textContent = t(isMoments() ? "label.help_moments" : "label.help_stretches");
  drawAnswers();
  drawFaces();
  showSaveState(saveState);
  draw();
}

function onKey(event) {
  if (!work || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input, textarea")) return;
  const emotion = ANSWER_KEYS.get(event.key);
  const actions = { " ": () => player.toggle(), ArrowLeft: () => move(-1), ArrowRight: () => move(1), Delete: clear, Backspace: clear };
  const action = emotion ? () => give(emotion) : actions[event.key];
  if (!action || (event.key === " " && event.target.closest("button, a"))) return;
  event.preventDefault();
  action();
}

function clear() {
  if (isMoments()) {
    if (work.answer) work.give(work.answer);
  } else {
    work.clear(player.time);
  }
  saving.schedule();
  draw();
}

/** Leave with everything saved; the figures are on the page of the agreement. */
async function finish(event) {
  event.preventDefault();
  await saving.flush();
  if (!saving.pending || window.confirm(t("label.leave"))) location.href = `/agreement#job/${job}`;
}

const NO_JOB = new Problem({ code: "job_not_found", title: "The job does not exist", status: 404 });

/** Ask for a name, unless the job does not exist. Any other problem, also a lost connection, shows when the work begins. */
async function welcome() {
  if (draft) return;
  const problem = job ? await getJob(job).then(() => null, (refused) => refused) : NO_JOB;
  if (problem && !(problem instanceof Problem)) throw problem;
  if (problem?.status === NO_JOB.status) {
    showProblem(problem);
    return;
  }
  byId("trouble").hidden = true;
  byId("setup").hidden = false;
}

function start() {
  startKey(welcome);
  document.forms.setup.addEventListener("submit", begin);
  byId("rater").addEventListener("input", ({ target }) => { target.value = raterName(target.value); });
  byId("own-file").addEventListener("change", chooseFile);
  byId("play").addEventListener("click", () => player.toggle());
  byId("previous").addEventListener("click", () => move(-1));
  byId("next").addEventListener("click", () => move(1));
  byId("finish").addEventListener("click", finish);
  byId("face").addEventListener("change", ({ target }) => { work.faceId = Number(target.value); draw(); });
  byId("strip").addEventListener("click", ({ offsetX, currentTarget }) => player.seek((offsetX / currentTarget.clientWidth) * draft.task.video.duration_s));
  byId("language").addEventListener("change", ({ target }) => setLanguage(target.value));
  document.addEventListener("language", drawTexts);
  document.addEventListener("keydown", onKey);
  for (const name of ["time", "state"]) player.addEventListener(name, followTime);
  addEventListener("online", () => saving?.schedule(0));
  addEventListener("resize", draw);
  addEventListener("beforeunload", (event) => { if (saving?.pending) event.preventDefault(); });
  setLanguage();
  byId("rater").value = lastRater();
  welcome();
}

start();
