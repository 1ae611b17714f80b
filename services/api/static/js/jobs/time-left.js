/** How long a running job still takes, as far as the server's own figures say. Pure: the same figures give every tab the same answer. */

/** An estimate is worth showing only from here on. */
const ESTIMATE_FROM = 0.05;

/**
 * Seconds left, or null while unknown.
 *
 * job       progress (0 to 1 or null), work.time_left_s (seconds or null) and started_at (ISO 8601) as the API gives them
 * answered  the server's own clock when it said so, in ms since 1970: the clock of the reader may be wrong
 */
export function timeLeft({ progress, work, started_at: started }, serverTime) {
  if (!Number.isFinite(progress) || progress < ESTIMATE_FROM) return null;
  if (Number.isFinite(work?.time_left_s)) return work.time_left_s;
  const elapsed = (serverTime - Date.parse(started)) / 1000;
  return elapsed > 0 ? elapsed * (1 / progress - 1) : null;
}
