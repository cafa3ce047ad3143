import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { DEFAULT_QUEUE_SETTINGS } from '../../src/serve/serveSettings.js';
import { demoModelDir } from '../support/projectRoot.js';
import { type CliOutcome, runCli } from '../support/runCli.js';
import { speakSentences } from '../support/sentences.js';
import { LocalRedis, NO_REDIS } from './support/localRedis.js';
import { documentOf, sampleForm, wavOfSamples } from './support/sampleForm.js';
import { startServer, type TestServer } from './support/startServer.js';

const NAME = 'killed';
const spoolFolder = mkdtempSync(join(tmpdir(), 'qwen-asr-workers-'));

let redis: LocalRedis;
let server: TestServer;
let connection: Redis;
let queue: Queue;

before(async () => {
  if (NO_REDIS !== false) return;
  redis = await LocalRedis.start();
  server = await startServer({
    spoolFolder,
    queue: { ...DEFAULT_QUEUE_SETTINGS, url: redis.url, name: NAME },
  });
  connection = new Redis(redis.url);
  queue = new Queue(NAME, { connection, prefix: 'qwen-asr' });
});

after(async () => {
  if (NO_REDIS === false) {
    await queue.close();
    connection.disconnect();
    await server.stop();
    await redis.stop();
  }
  rmSync(spoolFolder, { recursive: true });
});

interface WorkerProcess {
  readonly child: ChildProcess;
  readonly outcome: Promise<CliOutcome>;
}

/** `qwen_asr worker`, once it takes jobs. */
function startProcess(...options: string[]): Promise<WorkerProcess> {
  return new Promise((resolve, reject) => {
    const own = ['--redis', redis.url, '--queue-name', NAME, '--spool', spoolFolder, '-d', demoModelDir];
    const outcome = runCli('qwen_asr', ['worker', ...own, '-t', '1', ...options], {
      onOutput: (_, child) => resolve({ child, outcome }),
    });
    void outcome.then(({ stderr }) => reject(new Error(stderr)));
  });
}

async function post(form: FormData): Promise<string> {
  const answer = await fetch(`${server.address}/v1/jobs`, { method: 'POST', body: form });
  assert.equal(answer.status, 202);
  return (await documentOf(answer)).id;
}

const jobAt = async (id: string) => documentOf(await fetch(`${server.address}/v1/jobs/${id}`));

async function resultOf(id: string): Promise<string> {
  for (;;) {
    const { status, result, error } = await jobAt(id);
    if (status === 'completed') return result.text;
    assert.notEqual(status, 'failed', JSON.stringify(error));
    await setTimeout(50);
  }
}

/** Waits until that worker has a job. */
async function takenBy({ child }: WorkerProcess): Promise<string> {
  for (;;) {
    const jobs = await queue.getJobs(['active']);
    const job = jobs.find(({ processedBy }) => processedBy?.endsWith(`:${child.pid}`));
    if (job?.id !== undefined) return job.id.replace('job-', '');
    await setTimeout(10);
  }
}

test('kill -9 of one of two workers loses no job', { skip: NO_REDIS }, async () => {
  const workers = await Promise.all([1, 2].map(() => startProcess('--lock', '1s', '--jobs', '1')));
  const { samples } = await speakSentences(Array.from({ length: 40 }, (_, i) => i % 4));
  const recording = wavOfSamples(samples);
  const ids = await Promise.all(Array.from({ length: 6 }, () => post(sampleForm({}, recording))));
  const [doomed, other] = workers as [WorkerProcess, WorkerProcess];
  const lost = await takenBy(doomed);
  doomed.child.kill('SIGKILL');
  assert.notEqual((await jobAt(lost)).status, 'completed');
  const texts = await Promise.all(ids.map(resultOf));
  assert.equal(new Set(texts).size, 1);
  assert.ok(texts[0]!.length > 500, texts[0]);
  assert.equal((await queue.getJob(`job-${lost}`))?.processedBy?.endsWith(`:${other.child.pid}`), true);
  assert.deepEqual(readdirSync(join(spoolFolder, 'qwen-asr-jobs')), []);
  other.child.kill('SIGTERM');
  assert.deepEqual((await other.outcome).code, 0);
  assert.equal((await doomed.outcome).code, null);
});

test('a worker told to stop ends its job, or gives it back in time', { skip: NO_REDIS }, async () => {
  const { samples } = await speakSentences(Array.from({ length: 12 }, (_, i) => i % 4));
  const recording = wavOfSamples(samples);
  const patient = await startProcess();
  const ended = await post(sampleForm({}, recording));
  await takenBy(patient);
  patient.child.kill('SIGTERM');
  assert.deepEqual((await patient.outcome).code, 0);
  assert.equal((await jobAt(ended)).status, 'completed');
  const hasty = await startProcess('--drain-timeout', '50ms', '--tokens', '500');
  const given = await post(sampleForm({}, recording));
  await takenBy(hasty);
  hasty.child.kill('SIGTERM');
  const { code, stderr } = await hasty.outcome;
  assert.deepEqual([code, stderr], [0, 'note: jobs given back after 0.05 s: 1\n']);
  assert.equal((await jobAt(given)).status, 'queued');
  const next = await startProcess();
  assert.equal(await resultOf(given), await resultOf(ended));
  next.child.kill('SIGTERM');
  assert.equal((await next.outcome).code, 0);
});

test('what a worker cannot start with is told in one line', async () => {
  const run = async (...args: string[]) => {
    const { code, stderr } = await runCli('qwen_asr', ['worker', '-d', demoModelDir, ...args]);
    assert.equal(code, 1);
    return stderr;
  };
  const at = ['--spool', spoolFolder, '--redis'];
  assert.equal(await run('--spool', spoolFolder), 'error: worker: expected --redis URL; -h explains\n');
  assert.equal(await run('--redis', 'redis://h'), 'error: worker: expected --spool DIR; -h explains\n');
  const secret = await run(...at, 'http://user:secret@h');
  assert.equal(secret, 'error: --redis: expected an address such as redis://127.0.0.1:6379\n');
  const unreachable = await run(...at, 'redis://user:secret@127.0.0.1:1');
  assert.match(unreachable, /^error: 127\.0\.0\.1:1: Redis cannot be reached: connect ECONNREFUSED .*\n$/);
  assert.doesNotMatch(unreachable, /secret/);
});

test('a Redis that would drop jobs is refused, one that forgets is noted', { skip: NO_REDIS }, async () => {
  const careless = await LocalRedis.start();
  const args = ['worker', '-d', demoModelDir, '--spool', spoolFolder, '--redis', careless.url];
  await connect(careless, (client) => client.config('SET', 'maxmemory-policy', 'allkeys-lru'));
  const refused = await runCli('qwen_asr', args);
  assert.match(
    refused.stderr,
    /^error: \S+: expected Redis to have maxmemory-policy noeviction.* allkeys-lru\n$/,
  );
  await connect(careless, (client) => client.config('SET', 'maxmemory-policy', 'noeviction'));
  await connect(careless, (client) => client.config('SET', 'appendonly', 'no'));
  const noted = await runCli('qwen_asr', args, { onOutput: (_, child) => child.kill('SIGTERM') });
  assert.match(noted.stderr, /^note: \S+: Redis keeps jobs in memory only.*\n$/);
  await careless.stop();
});

async function connect(at: LocalRedis, use: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis(at.url);
  await use(client);
  client.disconnect();
}
