/** Which files are pictures, whose result comes in the response, and which are videos. */

const ENDINGS = /\.(avif|jpe?g|png|webp|heic|heif)$/i;

/**
 * @param {{ type: string, name: string }} file
 * @returns {boolean} whether it is a picture; animations count as pictures until the service has seen them
 */
export const isPicture = ({ type, name }) => (type ? type.startsWith("image/") && type !== "image/gif" : ENDINGS.test(name));

/**
 * Whether a picture that turned out to be animated can be analysed as a video.
 * @param {{ name: string }} file
 * @returns {boolean}
 */
export const isVideoWhenAnimated = ({ name }) => !/\.webp$/i.test(name);
