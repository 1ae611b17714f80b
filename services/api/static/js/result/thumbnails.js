/** Thumbnails of faces, cut from the person's own file in the browser: the server keeps none. */

import { contain } from "../overlay/contain.js";

const SIZE = 96;
const MARGIN = 0.25;

const nextEvent = (target, name) =>
  new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true });
    target.addEventListener("error", () => reject(new Error("unplayable")), { once: true });
  });

/** The position at which a face is largest, excluding its first and last one. */
function largestPosition(face) {
  const inner = face.positions.slice(1, -1);
  const area = ({ box }) => box[2] * box[3];
  return (inner.length ? inner : face.positions).reduce((a, b) => (area(b) > area(a) ? b : a));
}

/**
 * A square around a box, moved or made smaller where it would leave the picture. Boxes count in pixels of the analysed
 * picture, `analysed`; a frame of another shape lies centred in that.
 */
function crop(video, box, analysed) {
  const { videoWidth: width, videoHeight: height } = video;
  const { scale, left: barLeft, top: barTop } = contain({ width, height }, analysed);
  const side = Math.min((Math.max(box[2], box[3]) * (1 + MARGIN)) / scale, width, height);
  const left = Math.min(Math.max((box[0] + box[2] / 2 - barLeft) / scale - side / 2, 0), width - side);
  const top = Math.min(Math.max((box[1] + box[3] / 2 - barTop) / scale - side / 2, 0), height - side);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  canvas.getContext("2d").drawImage(video, left, top, side, side, 0, 0, SIZE, SIZE);
  return canvas;
}

/**
 * Cut a picture of each face from the person's own file. Ends early where the browser cannot play it.
 * @param {string} url of the file
 * @param {object} result
 * @param {number} start time of the first frame on the video's own clock, in seconds
 * @yields {[number, HTMLCanvasElement]} face id and picture
 */
export async function* thumbnails(url, result, start) {
  const video = document.createElement("video");
  video.muted = true;
  video.preload = "auto";
  video.src = url;
  try {
    await nextEvent(video, "loadeddata");
    for (const face of result.faces) {
      const position = largestPosition(face);
      video.currentTime = start + position.time_s + 0.001;
      await nextEvent(video, "seeked");
      yield [face.face_id, crop(video, position.box, result.video)];
    }
  } catch {
    return;
  } finally {
    video.removeAttribute("src");
    video.load();
  }
}
