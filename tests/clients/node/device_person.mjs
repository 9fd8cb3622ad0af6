// A person at the address of a device code: device_person.mjs ADDRESS CODE. Alice, of the ready file
// (ENTRA_MOCK_READY), at the ports of the first environment, since the fetch of Node 20 knows no proxy.

import { readFileSync } from "node:fs";

import { person } from "./person.mjs";

const [, , , code] = process.argv;
const world = JSON.parse(readFileSync(process.env.ENTRA_MOCK_READY, "utf8")).environments.office365;
const { upn, password } = world.users.alice;
await person(`${world.authority}/common/oauth2/deviceauth`, { otc: code, loginfmt: upn, passwd: password });
