import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { projectRoot } from '../support/projectRoot.js';
import { startServer, type TestServer } from './support/startServer.js';

let server: TestServer;

before(async () => {
  server = await startServer();
});

after(() => server.stop());

function run(command: string): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { cwd: projectRoot });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.on('error', reject).on('close', (code) => resolve({ code, stdout }));
  });
}

const README = readFileSync(join(projectRoot, 'README.md'), 'utf8');
const commands = README.split('\n').filter((line) => line.startsWith('curl '));

test('the README has lines for curl', () => assert.ok(commands.length >= 4));

for (const command of commands) {
  test(`README.md: ${command}`, async (t) => {
    const { code, stdout } = await run(command.replace('http://127.0.0.1:8000', server.address));
    if (code === 127) return t.skip('curl is not installed');
    assert.equal(code, 0);
    assert.match(stdout, /minutes|"ok"/);
    assert.doesNotMatch(stdout, /"error"/);
  });
}
