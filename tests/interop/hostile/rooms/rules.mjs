// One offence each.
import { Room } from "../room.mjs";
import { announces } from "./rules/announces.mjs";
import { http } from "./rules/http.mjs";
import { offences } from "./rules/offences.mjs";
import { records } from "./rules/records.mjs";
import { silence } from "./rules/silence.mjs";
import { streams } from "./rules/streams.mjs";

export const rules = new Room("rules", { plain: 96, asan: 400 }, ["--path-allow", "room"], 24);
for (const part of [offences, records, http, streams, announces, silence]) part(rules);
