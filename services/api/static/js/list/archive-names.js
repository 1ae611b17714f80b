/** Names of files in an archive, from the names of videos, which other people may have chosen. Pure. */

/** Characters that a path has a use for or that Windows forbids, and those that cannot be seen. */
const UNSUITABLE = /[\\/:*?"<>|]|\p{C}/gu;

/** The name of a video without its extension, as the name of one file in every system. */
function stemOf(name) {
  const stem = name.replace(/\.[^.\s]{1,5}$/, "").replace(UNSUITABLE, "_").replace(/^[.\s]+|[.\s]+$/g, "");
  return [...stem].slice(0, 80).join("") || "video";
}

/**
 * A name for each video, distinct where upper and lower case are the same.
 * @param {string[]} names
 * @param {string} ending without the point
 * @returns {string[]}
 */
export function archiveNames(names, ending) {
  const taken = new Set();
  return names.map((name) => {
    const stem = stemOf(name);
    let file = `${stem}.${ending}`;
    for (let number = 2; taken.has(file.toLowerCase()); number += 1) file = `${stem} (${number}).${ending}`;
    taken.add(file.toLowerCase());
    return file;
  });
}
