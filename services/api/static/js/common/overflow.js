/** Marks the sides of scrolling boxes on which content overflows. */

/**
 * Keep `data-more` of a scrolling box up to date: the sides on which content overflows, which css/base.css fades.
 * @param {HTMLElement} box
 * @param {(sides: ("right" | "bottom")[]) => void} onChange
 */
export function watchOverflow(box, onChange = () => {}) {
  const update = () => {
    const right = box.scrollWidth - box.scrollLeft - box.clientWidth > 1;
    const bottom = box.scrollHeight - box.scrollTop - box.clientHeight > 1;
    const sides = [right && "right", bottom && "bottom"].filter(Boolean);
    box.dataset.more = sides.join(" ");
    onChange(sides);
  };
  box.addEventListener("scroll", update, { passive: true });
  const resized = new ResizeObserver(update);
  resized.observe(box);
  new MutationObserver(() => {
    for (const child of box.children) resized.observe(child);
    update();
  }).observe(box, { childList: true });
  update();
}
