/** Opens a file as the program of today does, and closes it: `open-file.ts outbox|evidence PATH`. */
import { closeOpened, openOf } from "./older-files.ts";

const [, , kind = "", path = ""] = process.argv;
closeOpened(openOf(kind, path));
