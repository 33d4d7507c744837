/** What each command barcode does, in the language of those who scan it. */
import { COMMANDS } from "../barcode/command.ts";

export const SHEET_LANGUAGES = ["en", "de", "ru"] as const;
export type SheetLanguage = (typeof SHEET_LANGUAGES)[number];

type Said = readonly [en: string, de: string, ru: string];

const WORDS: Readonly<Record<string, Said>> = {
  "CMD:STEP:packing": ["Pack", "Packen", "Упаковка"],
  "CMD:STEP:unpacking": ["Unpack", "Auspacken", "Распаковка"],
  "CMD:STEP:storing": ["File", "Ablegen", "Размещение"],
  "CMD:STEP:receiving": ["Receive", "Empfangen", "Приёмка"],
  "CMD:STEP:departing": ["Send off", "Versenden", "Отправка"],
  "CMD:STEP:inspecting": ["Look at only", "Nur ansehen", "Только осмотр"],
  "CMD:STEP:stock_taking": ["Stock-take", "Inventur", "Инвентаризация"],
  "CMD:STEP:destroying": ["Destroy", "Vernichten", "Уничтожение"],
  "CMD:STEP:dispensing": ["Hand out", "Ausgeben", "Выдача"],
  "CMD:ORDER:item-first": ["Item first", "Erst die Sache", "Сначала предмет"],
  "CMD:ORDER:container-first": ["Container first", "Erst der Behälter", "Сначала контейнер"],
  "CMD:MODE:page": ["Each page", "Jede Seite", "Каждая страница"],
  "CMD:MODE:document": ["Whole document", "Ganzes Dokument", "Весь документ"],
  "CMD:COUNT:start": ["Begin the count", "Zählung beginnen", "Начать пересчёт"],
  "CMD:COUNT:end": ["End the count", "Zählung beenden", "Закончить пересчёт"],
  "CMD:COUNT:empty": ["Nothing is here", "Hier ist nichts", "Здесь пусто"],
  "CMD:UNDO": ["Undo", "Rückgängig", "Отменить"],
  "CMD:EMPTIED": ["It is empty now", "Ist jetzt leer", "Теперь пусто"],
  "CMD:LEAVE": ["I leave", "Ich gehe", "Я ухожу"],
};

/** In the order of the sheet. */
export const COMMAND_TEXTS: readonly string[] = [...COMMANDS.keys()];

export function commandWord(text: string, language: SheetLanguage): string {
  return WORDS[text]?.[SHEET_LANGUAGES.indexOf(language)] ?? text;
}
