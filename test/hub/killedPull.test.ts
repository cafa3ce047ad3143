import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Random } from '../support/random.js';
import { etagOf, LocalHub, sendRange, sha256 } from './support/localHub.js';

const PULL = fileURLToPath(new URL('./support/pullProcess.js', import.meta.url));
const NAME = 'someone/some-model';
const KILLS = 20;
/** Longest time that a process gets before the test gives it up. */
const LIMIT_MS = 60_000;

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-killed-'));
const hub = await LocalHub.start();
after(() => {
  hub.stop();
  rmSync(scratch, { recursive: true });
});

/** Random bytes, so that a piece in the wrong place is noticed. */
const WEIGHTS = Buffer.from(new Random(17).floats(1_000_000).buffer);
/** As pullProcess.ts asks for them. */
const rangesOf = (weights: Buffer) => Math.ceil(weights.length / (16 * 1024));
/** For what need not be interrupted often. */
const SMALL = WEIGHTS.subarray(0, 1_000_000);
hub.publish(NAME, { 'model.safetensors': WEIGHTS, 'vocab.json': '{}', 'config.json': '{}' });
hub.publish('someone/small-model', { 'model.safetensors': SMALL, 'vocab.json': '{}', 'config.json': '{}' });

function start(cache: string, name = NAME) {
  const env = { ...process.env, HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HF_TOKEN: 'x' };
  const child = spawn(process.execPath, [PULL, name], { env, timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, output })),
  );
  return { child, ended };
}

const weightsIn = (cache: string, snapshot: string) => {
  assert.ok(snapshot.startsWith(cache), snapshot);
  return sha256(readFileSync(join(snapshot.trim(), 'model.safetensors')));
};

test(`a pull that is killed ${KILLS} times at random points ends with the right bytes`, async () => {
  const cache = join(scratch, 'killed');
  const random = new Random(3);
  // Counted in requests rather than in time: the points are spread over the work, however fast the machine is.
  let [untilKill, kills] = [0, 0];
  let kill = () => {};
  hub.onCdn = (request, response) => {
    if (untilKill-- === 0) setTimeout(kill, random.integer(0, 3));
    setTimeout(() => sendRange(WEIGHTS, etagOf(WEIGHTS), request, response), 1);
    return true;
  };
  while (kills < KILLS) {
    untilKill = random.integer(0, 5);
    const { child, ended } = start(cache);
    kill = () => child.kill('SIGKILL');
    const { code, output } = await ended;
    assert.equal(code, null, output);
    kills++;
    assert.ok(!existsSync(join(cache, 'models--someone--some-model', 'refs')), 'a name for half a model');
  }
  kill = () => {};
  const asked = hub.downloads.length;
  const { code, output } = await start(cache).ended;
  assert.equal(code, 0, output);
  assert.equal(weightsIn(cache, output), sha256(WEIGHTS));
  assert.ok(hub.downloads.length - asked < rangesOf(WEIGHTS), 'nothing was kept');
});

test('a pull that is killed while it hashes and names ends with the right bytes', async () => {
  const cache = join(scratch, 'late');
  const random = new Random(5);
  let [kills, kill] = [0, () => {}];
  hub.onCdn = (request, response) => {
    const isLast = request.headers.range?.endsWith(`-${SMALL.length - 1}`) === true;
    if (isLast) response.on('finish', () => setTimeout(kill, kills === 0 ? 0 : random.integer(0, 30)));
    return false;
  };
  for (let run = 0; run < 5; run++) {
    const { child, ended } = start(cache, 'someone/small-model');
    kill = () => child.kill('SIGKILL');
    const { code } = await ended;
    const folder = join(cache, 'models--someone--small-model');
    // Nothing has a name before it is right.
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!/model\.safetensors$/.test(name) && basename(name) !== sha256(SMALL)) continue;
      assert.equal(sha256(readFileSync(join(folder, name))), sha256(SMALL));
    }
    if (existsSync(join(folder, 'refs', 'main'))) {
      const commit = readFileSync(join(folder, 'refs', 'main'), 'utf8');
      assert.equal(weightsIn(cache, join(folder, 'snapshots', commit)), sha256(SMALL));
    }
    if (code === 0) break;
    kills++;
  }
  assert.ok(kills > 0, 'it was never killed');
  kill = () => {};
  const { code, output } = await start(cache, 'someone/small-model').ended;
  assert.equal(code, 0, output);
  assert.equal(weightsIn(cache, output), sha256(SMALL));
});

test('two processes at once do not disturb each other, even when one is killed', async () => {
  for (const killsOne of [false, true]) {
    const cache = join(scratch, `both${killsOne}`);
    const [first, second] = [start(cache, 'someone/small-model'), start(cache, 'someone/small-model')];
    hub.requests.length = 0;
    let served = 0;
    hub.onCdn = () => {
      if (++served === 10 && killsOne) first.child.kill('SIGKILL');
      return false;
    };
    const [one, other] = await Promise.all([first.ended, second.ended]);
    if (!killsOne) assert.equal(weightsIn(cache, one.output), sha256(SMALL));
    assert.equal(other.code, 0, other.output);
    assert.equal(weightsIn(cache, other.output), sha256(SMALL));
    if (!killsOne) assert.equal(hub.downloads.length, rangesOf(SMALL), 'something came twice');
  }
});
