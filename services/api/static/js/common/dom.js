/** The few helpers that every module needs to make and find elements. */

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** `make("li", { class: "job" }, "text", child)`; `on…` properties become listeners. */
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

/** The same for drawings. */
export function makeSvg(tag, properties = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function icon(name) {
  return makeSvg("svg", { "aria-hidden": "true" }, makeSvg("use", { href: `/static/images/icons.svg#${name}` }));
}

/** An icon button with a name for those who cannot see the icon. */
export function iconButton(name, label, onclick) {
  return make("button", { class: "icon", type: "button", "aria-label": label, title: label, onclick }, icon(name));
}

export function setIcon(button, name) {
  button.querySelector("use").setAttribute("href", `/static/images/icons.svg#${name}`);
}

/** Say something to a screen reader without moving the focus. */
export function announce(text) {
  byId("announce").textContent = text;
}

/** Custom properties of the theme that is shown: asking for a computed style is too slow for sixty pictures a second. */
const styles = new Map();

document.addEventListener("theme", () => styles.clear());

export function cssColour(name) {
  if (!styles.has(name)) styles.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return styles.get(name);
}

/** The family of the page's own text, for canvases. */
export const bodyFont = () => cssColour("text");

/** Size a canvas for the screen's pixels; returns its context, empty, scaled so that one unit is one CSS pixel. */
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
