/** A table of cells that are edited in place, pasted into, and moved through by keys. */

import { iconButton, make } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { cellOf, setCell } from "./content.js";
import { cellsOf, placed } from "./pasted.js";

const LONGEST_CELL = 200;

/**
 * @typedef {object} GridSource
 * @property {() => object[]} rows
 * @property {() => { name: string, label: string }[]} columns
 * @property {string} caption of the table, for screen readers
 * @property {(row: object, index: number) => (Node | string)[]} head of a row
 * @property {(row: object) => string[]} keys by which pasted lines find a row
 * @property {(index: number) => void} remove a row
 * @property {(count: number) => void} grow until there are so many rows, as far as the table grows by pasting
 * @property {(names: string[]) => void} addColumns
 * @property {() => void} onChange
 * @property {(lost: number) => void} onLost pasted lines for which there is no row
 */

export class Grid {
  #root;
  #source;
  #faults = [];

  /**
   * @param {HTMLElement} root
   * @param {GridSource} source
   */
  constructor(root, source) {
    this.#root = root;
    this.#source = source;
    root.addEventListener("input", ({ target }) => this.#changed(target));
    root.addEventListener("paste", (event) => this.#paste(event));
    root.addEventListener("keydown", (event) => this.#move(event));
  }

  /** Draw the whole table, and keep the focus in its cell. */
  draw() {
    const focused = this.#root.contains(document.activeElement) ? this.#placeOf(document.activeElement) : null;
    const { rows, columns, caption, head } = this.#source;
    if (!rows().length) return this.#root.replaceChildren(make("p", { class: "fine" }, t("study.no_rows")));
    const names = columns();
    const heads = names.map(({ name, label }) => make("th", { scope: "col" }, label, label === name ? null : make("code", {}, name)));
    this.#root.replaceChildren(make("table", {},
      make("caption", { class: "unseen" }, t(caption)),
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, t("study.row")), ...heads, make("td", {}))),
      make("tbody", {}, ...rows().map((row, index) => this.#row(row, index, names, head(row, index))))));
    this.mark(this.#faults);
    if (focused) this.focus(Math.min(focused.row, rows().length - 1), focused.column);
  }

  #row(row, index, columns, head) {
    const remove = iconButton("close", t("study.remove", { row: index + 1 }), () => this.#source.remove(index));
    return make("tr", { "data-row": index }, make("th", { scope: "row" }, ...head), ...columns.map(({ name, label }) => {
      const input = make("input", { type: "text", autocomplete: "off", maxlength: LONGEST_CELL, "data-column": name, "aria-label": t("study.cell", { row: index + 1, column: label }) });
      input.value = cellOf(row, name);
      return make("td", {}, input);
    }), make("td", {}, remove));
  }

  /**
   * Mark the cells with faults.
   * @param {{ row: number | null, column: string, text: string }[]} faults row: an index
   */
  mark(faults) {
    this.#faults = faults;
    for (const input of this.#root.querySelectorAll("[aria-invalid]")) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("title");
    }
    for (const row of this.#root.querySelectorAll("[data-fault]")) delete row.dataset.fault;
    for (const { row, column, text } of faults) {
      const line = this.#root.querySelector(`tr[data-row="${row}"]`);
      if (line) line.dataset.fault = "";
      const input = this.#cell(row, column);
      input?.setAttribute("aria-invalid", "true");
      input?.setAttribute("title", text);
    }
  }

  /**
   * @param {number} row
   * @param {string} column empty for the first one
   */
  focus(row, column) {
    (this.#cell(row, column) ?? this.#root.querySelector(`tr[data-row="${row}"] input`))?.focus();
  }

  #cell(row, column) {
    return [...this.#root.querySelectorAll(`tr[data-row="${row}"] input`)].find((input) => input.dataset.column === column);
  }

  #placeOf(element) {
    const row = Number(element.closest?.("tr")?.dataset.row ?? NaN);
    return Number.isNaN(row) ? null : { row, column: element.dataset.column ?? "" };
  }

  #changed(input) {
    const { row, column } = this.#placeOf(input);
    setCell(this.#source.rows()[row], column, input.value.trim());
    this.#source.onChange();
  }

  /** Enter and the arrows go up and down, as in a spreadsheet; Tab goes through the cells. */
  #move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, Enter: event.shiftKey ? -1 : 1 }[event.key];
    if (!step || !event.target.matches("input") || event.isComposing) return;
    const { row, column } = this.#placeOf(event.target);
    const next = this.#cell(row + step, column);
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.select();
  }

  #paste(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!event.target.matches("input") || !/[\t\r\n]/.test(text.trimEnd())) return; // one value: the browser inserts it
    event.preventDefault();
    const { rows, columns, keys, grow, addColumns, onChange, onLost } = this.#source;
    const names = columns().map(({ name }) => name);
    const { row, column } = this.#placeOf(event.target);
    const cells = cellsOf(text.replace(/[\r\n]+$/, ""), names);
    const { changes, added, lost } = placed(cells, { row, column: names.indexOf(column) }, names, rows().map(keys));
    addColumns(added);
    grow(Math.max(...changes.map((one) => one.row + 1), 0));
    const beyond = new Set(changes.filter((one) => one.row >= rows().length).map((one) => one.row));
    for (const one of changes) if (one.row < rows().length) setCell(rows()[one.row], one.column, one.text.slice(0, LONGEST_CELL));
    this.draw();
    onLost(lost + beyond.size);
    onChange();
  }
}
