// Writes what follows from the description of the result format: its JSON Schema, and the tables of its documentation.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchResultRecord, benchResultSchema } from '../dist/src/bench/schema/benchResult.js';
import { insertTables } from '../dist/src/bench/schema/recordTables.js';

const root = join(fileURLToPath(import.meta.url), '..', '..');
const schemaPath = join(root, 'schemas', 'bench-result-v1.schema.json');
writeFileSync(schemaPath, JSON.stringify(benchResultSchema, null, 2));
const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
spawnSync(process.execPath, [biome, 'format', '--write', schemaPath], { stdio: 'inherit', cwd: root });

const docsPath = join(root, 'docs', 'bench-schema.md');
writeFileSync(docsPath, insertTables(readFileSync(docsPath, 'utf8'), benchResultRecord));
