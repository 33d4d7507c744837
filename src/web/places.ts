/** Questions about the archive as a plan, and what its counts came to. */
import { ask } from "./http.ts";

export const sites = (signal: AbortSignal) => ask("sites", {}, signal);

export const placeMap = (id: string, signal: AbortSignal) => ask("map", { id }, signal);

export const counted = (id: string, signal: AbortSignal) => ask("counts", { id }, signal);
