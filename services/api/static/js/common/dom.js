/** Helpers to make, find and update elements. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export const byId = (id) => document.getElementById(id);

/**
 * `make("li", { class: "job" }, "text", child)`. Properties named `on…` become listeners; null and undefined children are left out.
 * @param {string} tag
 * @param {Record<string, unknown>} properties attributes; null, undefined and false are left out
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElement}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name === "class" ? "class" : name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * The same for SVG.
 * @param {string} tag
 * @param {Record<string, unknown>} properties
 * @param {...Node} children
 * @returns {SVGElement}
 */
export function makeSvg(tag, properties = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * @param {string} name of a symbol in images/icons.svg
 * @returns {SVGElement}
 */
export function icon(name) {
  return makeSvg("svg", { "aria-hidden": "true" }, makeSvg("use", { href: `/static/images/icons.svg#${name}` }));
}

/**
 * @param {string} name of the icon
 * @param {string} label accessible name
 * @param {() => void} onclick
 * @returns {HTMLButtonElement}
 */
export function iconButton(name, label, onclick) {
  return make("button", { class: "icon", type: "button", "aria-label": label, title: label, onclick }, icon(name));
}

/**
 * @param {HTMLElement} button
 * @param {string} name of the icon to show
 */
export function setIcon(button, name) {
  button.querySelector("use").setAttribute("href", `/static/images/icons.svg#${name}`);
}

/**
 * Announce a text to screen readers without moving the focus.
 * @param {string} text
 */
export function announce(text) {
  byId("announce").textContent = text;
}

/** Custom properties of the current theme, cached: computed styles are too slow for sixty frames per second. */
const styles = new Map();

document.addEventListener("theme", () => styles.clear());

/**
 * @param {string} name of a custom property without its dashes
 * @returns {string} its value in the current theme
 */
export function cssColour(name) {
  if (!styles.has(name)) styles.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return styles.get(name);
}

/** @returns {string} font family of the page's text, for canvases */
export const bodyFont = () => cssColour("text");

/**
 * Resize a canvas to the device's pixels and clear it.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width CSS pixels
 * @param {number} height CSS pixels
 * @returns {CanvasRenderingContext2D} scaled so that one unit is one CSS pixel
 */
export function fitCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [wide, high] = [width, height].map((length) => Math.max(1, Math.round(length * ratio)));
  if (canvas.width !== wide) canvas.width = wide; // setting a size takes new memory, even for the same one
  if (canvas.height !== high) canvas.height = high;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width + 1, height + 1);
  return context;
}
