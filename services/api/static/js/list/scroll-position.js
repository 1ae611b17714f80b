/** The scroll position of the list, kept while a result is shown and across reloads. */

import { byId } from "../common/dom.js";

const KEY = "duygu.place";

/** { top, row, offset }: pixels from the top, and the first row in sight with its distance from the top of the window. */
let position = recalled();

function recalled() {
  const [visit] = performance.getEntriesByType("navigation");
  try {
    return visit?.type === "navigate" ? null : JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

function scrollNow() {
  const row = [...byId("job-list").children].find((other) => other.getBoundingClientRect().bottom > 0);
  return { top: scrollY, row: row?.dataset.key, offset: row?.getBoundingClientRect().top };
}

/** Scroll to where the list was left. The row counts for more than the distance from the top, as rows may have grown or gone. */
export function restoreScroll() {
  if (!position) return;
  scrollTo(0, position.top);
  const row = position.top > 0 && [...byId("job-list").children].find((other) => other.dataset.key === position.row);
  if (row) scrollBy(0, row.getBoundingClientRect().top - position.offset);
}

/** Remember the position of the list. Browsers restore it before the list is drawn, and keep one position for all views of a page. */
export function watchScroll() {
  history.scrollRestoration = "manual";
  addEventListener("scroll", () => {
    if (!byId("home").hidden) position = scrollNow();
  }, { passive: true });
  addEventListener("pagehide", () => {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(position));
    } catch {
      // The page then opens at its top.
    }
  });
  if (!byId("home").hidden) restoreScroll();
}
