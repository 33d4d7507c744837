/**
 * The language of this page: what the reader chose, else the browser's, else English, which is part
 * of the page and needs no loading.
 */
import { en, type Words } from "./en.ts";

export const LANGUAGES = [
  { code: "en", name: "English" },
  { code: "de", name: "Deutsch" },
  { code: "ru", name: "Русский" },
] as const;

export type Language = (typeof LANGUAGES)[number]["code"];

const CHOSEN = "racktrace.language";
const LOADERS: Readonly<Record<Language, () => Promise<Words>>> = {
  en: async () => en,
  de: async () => (await import("./de.ts")).de,
  ru: async () => (await import("./ru.ts")).ru,
};

/** Texts in the language of the page; set before anything is drawn. */
export let words: Words = en;
let spoken: Language = "en";

/** What was chosen here before; else the first of the browser's languages that there is. */
export function usualLanguage(): Language {
  const known = (text: string | null) => LANGUAGES.find(({ code }) => code === text)?.code;
  const wished = navigator.languages.map((tag) => known(tag.split("-")[0] ?? ""));
  return known(chosen()) ?? wished.find((code) => code !== undefined) ?? "en";
}

/**
 * Resolves when `words` are of that language, to what is spoken then; the page as drawn before is of
 * the old one.
 */
export async function speak(language: Language): Promise<Language> {
  try {
    words = await LOADERS[language]();
    spoken = language;
  } catch {
    // Its texts could not be loaded; the page stays in the language that it has.
  }
  return spoken;
}

export function rememberLanguage(language: Language): void {
  try {
    localStorage.setItem(CHOSEN, language);
  } catch {
    // A browser that keeps nothing asks for its own language again.
  }
}

function chosen(): string | null {
  try {
    return localStorage.getItem(CHOSEN);
  } catch {
    return null;
  }
}
