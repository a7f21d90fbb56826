// Writes src/contract/signaling.ts from the JSON Schema of the Socket.IO contract.
// With --check it writes nothing and fails where the file is stale.
import { compile } from "json-schema-to-typescript";
import { readFile, writeFile } from "node:fs/promises";

const SCHEMA = new URL("../../contract/schema/signaling.schema.json", import.meta.url);
const TARGET = new URL("../src/contract/signaling.ts", import.meta.url);

const schema = JSON.parse(await readFile(SCHEMA, "utf8"));
const generated = await compile(schema, "SignalingContract", {
  additionalProperties: false,
  bannerComment:
    "// Generated from contract/schema/signaling.schema.json by `npm run generate`. Do not edit.",
  style: { printWidth: 100 },
  unreachableDefinitions: true,
  ignoreMinAndMaxItems: true,
});
// Every definition is named by the schema itself; saying so at each one is noise.
const types = generated.replace(
  /(\n \*)?\n \* This interface was referenced by[^]*?\n \*\//g,
  "\n */",
);

if (process.argv.includes("--check")) {
  const present = await readFile(TARGET, "utf8").catch(() => "");
  if (present !== types) {
    console.error("src/contract/signaling.ts is stale: run npm run generate");
    process.exit(1);
  }
} else {
  await writeFile(TARGET, types);
}
