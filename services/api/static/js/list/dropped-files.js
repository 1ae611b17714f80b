/** Files dropped on the page, by themselves or in folders. */

import { isPicture } from "../pictures/kinds.js";

/** File name extensions of videos that browsers have no media type for. */
const ENDINGS = /\.(3gp|avi|flv|gif|m4v|mkv|mov|mp4|mpe?g|mts|m2ts|ogv|ts|vob|webm|wmv)$/i;

const isVideo = ({ type, name }) => type.startsWith("video/") || type === "image/gif" || ENDINGS.test(name);

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

/** readEntries() returns the content in batches, the last one empty. */
async function contentOf(folder) {
  const reader = folder.createReader();
  const content = [];
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return content;
    content.push(...batch);
  }
}

async function videosIn(folder) {
  const found = [];
  for (const entry of await contentOf(folder)) {
    if (entry.isDirectory) found.push(...(await videosIn(entry)));
    else if (!entry.name.startsWith(".")) found.push(await fileOf(entry));
  }
  return found.filter((file) => isVideo(file) || isPicture(file)).sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}

/**
 * The files of a drop; of folders the videos and pictures in them. Must be called while the event is dispatched.
 * @param {DataTransfer} transfer
 * @returns {Promise<{ files: File[], empty: string[] }>} empty: names of folders without a readable video
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
