/** `npm run client`: writes the page's client of the API anew. */
import { writeFileSync } from "node:fs";
import { CLIENT_FILE, clientOf, publishedApi } from "./api-client.ts";

writeFileSync(CLIENT_FILE, clientOf(await publishedApi()));
