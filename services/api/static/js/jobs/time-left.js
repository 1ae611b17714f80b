/** The time left of a running job. Pure: the same figures give every tab the same estimate. */

/** Progress from which an estimate is shown. */
const ESTIMATE_FROM = 0.05;

/**
 * The server's estimate, else one from start and progress of the job by the server's clock: the browser's may be wrong.
 * @param {{ progress: number | null, work?: { time_left_s: number | null }, started_at?: string }} job as the API describes it
 * @param {number} serverTime ms since 1970
 * @returns {number | null} seconds; null while unknown
 */
export function timeLeft({ progress, work, started_at: started }, serverTime) {
  if (!Number.isFinite(progress) || progress < ESTIMATE_FROM) return null;
  if (Number.isFinite(work?.time_left_s)) return work.time_left_s;
  const elapsed = (serverTime - Date.parse(started)) / 1000;
  return elapsed > 0 ? elapsed * (1 / progress - 1) : null;
}
