/** How pictures are fitted into frames of another shape. */

/** Where something of inner.width x inner.height lies inside outer.width x outer.height, as CSS `object-fit: contain` places it. */
export function contain(inner, outer) {
  const scale = Math.min(outer.width / inner.width, outer.height / inner.height);
  return { scale, left: (outer.width - inner.width * scale) / 2, top: (outer.height - inner.height * scale) / 2 };
}
