/** Files that are dropped on the page, alone or in folders. */

/** Endings of videos that browsers have no media type for. */
const ENDINGS = /\.(3gp|avi|flv|gif|m4v|mkv|mov|mp4|mpe?g|mts|m2ts|ogv|ts|vob|webm|wmv)$/i;

const isVideo = ({ type, name }) => type.startsWith("video/") || type === "image/gif" || ENDINGS.test(name);

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

/** A folder gives its content in portions; an empty one is the last. */
async function contentOf(folder) {
  const reader = folder.createReader();
  const content = [];
  for (;;) {
    const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!portion.length) return content;
    content.push(...portion);
  }
}

async function videosIn(folder) {
  const found = [];
  for (const entry of await contentOf(folder)) {
    if (entry.isDirectory) found.push(...(await videosIn(entry)));
    else if (!entry.name.startsWith(".")) found.push(await fileOf(entry));
  }
  return found.filter(isVideo).sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}

/**
 * What was dropped: files as they are, of folders the videos in them. Must be called while the event is handled.
 * Resolves to { files, empty }: `empty` names the folders in which there was no video, or that could not be read.
 */
export async function readDrop({ items, files }) {
  const entries = [...(items ?? [])].map((item) => item.webkitGetAsEntry?.());
  const folders = entries.filter((entry) => entry?.isDirectory);
  if (!folders.length) return { files: [...files], empty: [] };
  const alone = await Promise.all(entries.filter((entry) => entry?.isFile).map(fileOf));
  const empty = [];
  for (const folder of folders) {
    const found = await videosIn(folder).catch(() => []);
    if (!found.length) empty.push(folder.name);
    alone.push(...found);
  }
  return { files: alone, empty };
}
