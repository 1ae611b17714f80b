/** The built client. DUYGU_CLIENT names another build than `dist`. */
import { pathToFileURL } from "node:url";

const built = process.env.DUYGU_CLIENT ? pathToFileURL(process.env.DUYGU_CLIENT).href : new URL("../dist/index.js", import.meta.url).href;

export const { Duygu, DuyguError, SessionBroken } = await import(built);

export const url = process.env.DUYGU_URL ?? "http://127.0.0.1:8000";

/** Whether an error of the client has this code. */
export const hasCode = (code) => (error) => error instanceof DuyguError && error.code === code;
