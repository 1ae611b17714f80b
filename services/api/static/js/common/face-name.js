/** What a face is called: by the name that an edit gave it, else by its number. */

import { t } from "./i18n.js";

/**
 * @param {{ face_id: number, name?: string | null }} face
 * @returns {string} "Ann", or "Face 3"
 */
export const faceName = (face) => face.name ?? t("faces.name", { id: face.face_id });

/**
 * @param {{ face_id: number, name?: string | null }} face
 * @returns {string} the same within a sentence: "Ann", or "face 3"
 */
export const faceNameWithin = (face) => face.name ?? t("faces.name_within", { id: face.face_id });
