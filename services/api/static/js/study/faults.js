/** What has to be corrected in a study, as a list that leads to the cells. */

import { byId, make } from "../common/dom.js";
import { t } from "../common/i18n.js";

/** Faults of the list; the cells are all marked. */
const SHOWN = 50;

const where = ({ row, column }, label) => [row && t("study.at_row", { row }), column && label(column)].filter(Boolean).join(", ");

/**
 * A fault in words.
 * @param {object} fault as the service reports it
 * @param {(column: string) => string} label of a column
 * @returns {string}
 */
export function faultText(fault, label) {
  const key = `study.fault.${fault.code}`;
  const text = t(key);
  return `${where(fault, label) || t(`study.${fault.table}`)}: ${text === key ? fault.message : text}`;
}

/**
 * Draw the list.
 * @param {object[]} faults
 * @param {(column: string) => string} label of a column
 * @param {(fault: object) => void} onOpen
 */
export function drawFaults(faults, label, onOpen) {
  byId("study-faults").hidden = !faults.length;
  const items = faults.slice(0, SHOWN).map((fault) => {
    const text = faultText(fault, label);
    return make("li", {}, fault.row ? make("button", { type: "button", onclick: () => onOpen(fault) }, text) : text);
  });
  if (faults.length > SHOWN) items.push(make("li", {}, t("study.more_faults", { count: faults.length - SHOWN })));
  byId("fault-list").replaceChildren(...items);
}
