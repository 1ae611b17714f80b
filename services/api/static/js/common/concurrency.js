/** Runs at most `most` pieces of asynchronous work at a time; the others wait for their turn, in order. */
/**
 * Limit how many asynchronous calls run at a time; the others wait in order.
 * @param {number} most
 * @returns {<T>(work: () => Promise<T>) => Promise<T>} runs `work` when its turn comes
 */
export function limitConcurrency(most) {
  const waiting = [];
  let running = 0;
  const enter = () => {
    if (running === most) return new Promise((resolve) => waiting.push(resolve));
    running += 1;
    return null;
  };
  const leave = () => {
    if (waiting.length) waiting.shift()(); // the place passes to the first waiting task directly, so that no later one takes it
    else running -= 1;
  };
  return async (work) => {
    await enter();
    try {
      return await work();
    } finally {
      leave();
    }
  };
}
