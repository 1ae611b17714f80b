/** Scrolling boxes say where there is more: [data-more] names the sides, css/base.css fades them. */

/** Watch a box; `onChange(sides)` gets the sides that there is more at, of "right" and "bottom". */
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
