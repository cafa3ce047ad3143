import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { DEFAULT_QUEUE_SETTINGS, type ServeSettings } from '../../src/serve/serveSettings.js';
import { readGolden } from '../support/golden.js';
import { LocalRedis, NO_REDIS } from './support/localRedis.js';
import { documentOf, sampleBytes, sampleForm, wavOfSamples } from './support/sampleForm.js';
import { startServer, type TestServer } from './support/startServer.js';
import { startWorker } from './support/startWorker.js';

const TEXT = readGolden('demo/timer-en').text;

/** As long as one wants: no model speaks so long, but so many tokens are computed. */
const LONG = wavOfSamples(Float32Array.from({ length: 200 * 16_000 }, (_, i) => 0.1 * Math.sin(i * i)));

const spoolFolder = mkdtempSync(join(tmpdir(), 'qwen-asr-jobs-'));
const audioFolder = join(spoolFolder, 'qwen-asr-jobs');
let redis: LocalRedis;
let names = 0;

before(async () => {
  if (NO_REDIS === false) redis = await LocalRedis.start();
});

after(async () => {
  if (NO_REDIS === false) await redis.stop();
  rmSync(spoolFolder, { recursive: true });
});

/** What a test does: with a server and a queue of its own. */
interface Scene {
  readonly server: TestServer;
  /** What a worker of the queue needs. */
  readonly work: { readonly url: string; readonly name: string; readonly spoolFolder: string };
}

function withQueue(
  title: string,
  settings: Partial<ServeSettings> & { keepMs?: number; attempts?: number; fromMs?: number },
  run: (scene: Scene) => Promise<void>,
): void {
  test(title, { skip: NO_REDIS }, async () => {
    const name = `test-${names++}`;
    const { keepMs, attempts, fromMs, ...others } = settings;
    const own = {
      ...DEFAULT_QUEUE_SETTINGS,
      ...(keepMs !== undefined && { keepMs }),
      ...(attempts !== undefined && { attempts }),
      ...(fromMs !== undefined && { fromMs }),
    };
    const queue = { ...own, url: redis.url, name };
    const server = await startServer({ spoolFolder, queue, ...others });
    try {
      await run({ server, work: { url: redis.url, name, spoolFolder } });
    } finally {
      await server.stop();
      for (const file of readdirSync(audioFolder)) rmSync(join(audioFolder, file));
    }
  });
}

const post = ({ server }: Scene, body: FormData, path = '/v1/jobs', signal?: AbortSignal) =>
  fetch(server.address + path, { method: 'POST', body, ...(signal && { signal }) });

const jobAt = ({ server }: Scene, id: string, method = 'GET') =>
  fetch(`${server.address}/v1/jobs/${id}`, { method });

async function codeOf(answer: Response): Promise<string> {
  return `${answer.status} ${(await documentOf(answer)).error.code}`;
}

/** Waits until a job is in one of these states. */
async function until(scene: Scene, id: string, ...states: string[]) {
  for (;;) {
    const job = await documentOf(await jobAt(scene, id));
    if (states.includes(job.status)) return job;
    assert.ok(!['completed', 'failed'].includes(job.status), JSON.stringify(job));
    await setTimeout(20);
  }
}

/** Waits until no audio is left. */
async function spoolIsEmpty(): Promise<void> {
  while (readdirSync(audioFolder).length > 0) await setTimeout(20);
}

withQueue('a job: taken, seen on its way, and answered as a request would be', {}, async (scene) => {
  const answer = await post(scene, sampleForm({ temperature: '0.5' }));
  assert.equal(answer.status, 202);
  const { id, created_at, ...job } = await documentOf(answer);
  assert.equal(answer.headers.get('location'), `/v1/jobs/${id}`);
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.ok(Math.abs(created_at - Date.now() / 1000) < 10);
  assert.deepEqual(job, {
    object: 'transcription.job',
    status: 'queued',
    finished_at: null,
    progress: 0,
    result: null,
    error: null,
  });
  const [name] = readdirSync(audioFolder);
  const hash = createHash('sha256').update(sampleBytes('timer-en')).digest('hex');
  assert.equal(name, `job-${id}-${hash}`);
  assert.equal(statSync(join(audioFolder, name!)).mode & 0o777, 0o600);
  assert.equal(statSync(audioFolder).mode & 0o777, 0o700);
  const worker = await startWorker(scene.work);
  const done = await until(scene, id, 'completed');
  const request = await documentOf(await post(scene, sampleForm(), '/v1/audio/transcriptions'));
  assert.deepEqual(done.result, request);
  assert.deepEqual([done.result.text, done.progress, done.error], [TEXT, 1, null]);
  assert.equal((await jobAt(scene, id)).headers.get('x-qwen-asr-temperature'), '0');
  await spoolIsEmpty();
  const srt = await documentOf(await post(scene, sampleForm({ response_format: 'srt' })));
  assert.match((await until(scene, srt.id, 'completed')).result, /^1\n00:00:00,000 --> /);
  const metrics = await (await fetch(`${scene.server.address}/metrics`)).text();
  assert.match(metrics, /^qwen_asr_jobs\{state="queued"\} 0$/m);
  await worker.stop();
  assert.deepEqual(worker.notes, []);
});

withQueue('an id of the client’s own is one job, however often it is sent', {}, async (scene) => {
  const first = await post(scene, sampleForm({ id: 'mine_1' }));
  const again = await post(scene, sampleForm({ id: 'mine_1' }));
  assert.deepEqual([first.status, again.status], [202, 202]);
  assert.deepEqual(await documentOf(again), await documentOf(first));
  assert.equal(readdirSync(audioFolder).length, 1);
  const others = [
    sampleForm({ id: 'mine_1', language: 'en' }),
    sampleForm({ id: 'mine_1' }, sampleBytes('light-en')),
  ];
  for (const other of others) assert.equal(await codeOf(await post(scene, other)), '409 job_exists');
  assert.equal(readdirSync(audioFolder).length, 1);
  const worker = await startWorker(scene.work);
  const done = await until(scene, 'mine_1', 'completed');
  assert.equal(done.result.text, TEXT);
  await spoolIsEmpty();
  const late = await post(scene, sampleForm({ id: 'mine_1' }));
  assert.equal(late.status, 200);
  assert.deepEqual(await documentOf(late), done);
  await spoolIsEmpty();
  await worker.stop();
});

withQueue('a job is deleted before, while and after it is transcribed', {}, async (scene) => {
  const { id: before } = await documentOf(await post(scene, sampleForm()));
  const deleted = await jobAt(scene, before, 'DELETE');
  assert.deepEqual(await documentOf(deleted), { id: before, object: 'transcription.job', deleted: true });
  assert.equal(await codeOf(await jobAt(scene, before)), '404 job_not_found');
  assert.equal(await codeOf(await jobAt(scene, before, 'DELETE')), '404 job_not_found');
  assert.deepEqual(readdirSync(audioFolder), []);
  const worker = await startWorker({ ...scene.work, exactTokens: 400 });
  const { id: running } = await documentOf(await post(scene, sampleForm({}, LONG)));
  await until(scene, running, 'running');
  assert.equal((await jobAt(scene, running, 'DELETE')).status, 200);
  assert.equal(await codeOf(await jobAt(scene, running)), '404 job_not_found');
  await spoolIsEmpty();
  const { id: done } = await documentOf(await post(scene, sampleForm()));
  await until(scene, done, 'completed');
  assert.equal((await jobAt(scene, done, 'DELETE')).status, 200);
  assert.equal(await codeOf(await jobAt(scene, done)), '404 job_not_found');
  await worker.stop();
  const connection = new Redis(redis.url);
  const queue = new Queue(scene.work.name, { connection, prefix: 'qwen-asr' });
  assert.deepEqual(await queue.getJobs(), []);
  await queue.close();
  connection.disconnect();
});

withQueue('progress is told segment by segment', {}, async (scene) => {
  const worker = await startWorker({ ...scene.work, sequences: 1, exactTokens: 30 });
  const { id } = await documentOf(await post(scene, sampleForm({}, LONG)));
  const seen = new Set<number>();
  for (;;) {
    const job = await documentOf(await jobAt(scene, id));
    seen.add(job.progress);
    if (job.status === 'completed') break;
    assert.notEqual(job.status, 'failed', JSON.stringify(job));
    await setTimeout(5);
  }
  const steps = [...seen];
  assert.ok(steps.length > 3, `${steps}`);
  assert.deepEqual(
    steps,
    steps.toSorted((a, b) => a - b),
  );
  assert.ok(steps.every((step) => step >= 0 && step <= 1));
  await worker.stop();
});

withQueue(
  'long recordings of requests go to workers, and the answer is the same',
  { fromMs: 2000 },
  async (scene) => {
    const path = '/v1/audio/transcriptions';
    const short = wavOfSamples(new Float32Array(16_000).fill(0.01));
    assert.equal((await post(scene, sampleForm({}, short), path)).status, 200, 'without any worker');
    const streamed = await post(scene, sampleForm({ stream: 'true' }), path);
    assert.match(await streamed.text(), /transcript\.text\.done/);
    const abort = new AbortController();
    const left = post(scene, sampleForm(), path, abort.signal);
    while (readdirSync(audioFolder).length === 0) await setTimeout(10);
    abort.abort();
    await assert.rejects(left);
    await spoolIsEmpty();
    const worker = await startWorker(scene.work);
    const whole = sampleBytes('timer-en');
    const damaged = await post(scene, sampleForm({}, whole.slice(0, whole.length - 4000)), path);
    assert.match(damaged.headers.get('x-qwen-asr-notes') ?? '', /^file: /);
    const text = await post(scene, sampleForm({ response_format: 'text' }), path);
    assert.deepEqual(
      [text.headers.get('content-type'), await text.text()],
      ['text/plain; charset=utf-8', TEXT],
    );
    const refused = await post(scene, sampleForm({ language: 'xx' }), path);
    const { error } = await documentOf(refused);
    assert.deepEqual([refused.status, error.param], [400, 'language']);
    const metrics = await (await fetch(`${scene.server.address}/metrics`)).text();
    assert.match(metrics, /^qwen_asr_jobs\{state="failed"\} 0$/m, 'nothing is left of what was answered');
    await worker.stop();
  },
);

withQueue('what fails is kept as failed: at once, or after its attempts', { attempts: 2 }, async (scene) => {
  const ids = await Promise.all(
    [sampleForm(), sampleForm(), sampleForm({}, new TextEncoder().encode('no sound'))].map(
      async (form) => (await documentOf(await post(scene, form))).id,
    ),
  );
  const fileOf = (id: string) =>
    join(audioFolder, readdirSync(audioFolder).find((name) => name.includes(id))!);
  const [missing, changed, text] = ids;
  rmSync(fileOf(missing));
  writeFileSync(fileOf(changed), 'another recording');
  const worker = await startWorker(scene.work);
  const codes = await Promise.all(ids.map(async (id) => (await until(scene, id, 'failed')).error.code));
  assert.deepEqual(codes, ['audio_missing', 'audio_changed', 'invalid_audio']);
  const connection = new Redis(redis.url);
  const queue = new Queue(scene.work.name, { connection, prefix: 'qwen-asr' });
  const attempts = await Promise.all(ids.map(async (id) => (await queue.getJob(`job-${id}`))?.attemptsMade));
  assert.deepEqual(attempts, [2, 1, 1]);
  assert.ok(existsSync(fileOf(changed)), 'for whoever looks into it');
  assert.ok(!readdirSync(audioFolder).some((name) => name.includes(text)));
  await queue.close();
  connection.disconnect();
  await worker.stop();
});

withQueue('a job that no worker survives is kept as failed', {}, async (scene) => {
  const { id } = await documentOf(await post(scene, sampleForm()));
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const options = {
    connection,
    prefix: 'qwen-asr',
    lockDuration: 100,
    stalledInterval: 100,
    maxStalledCount: 5,
    skipLockRenewal: true,
  };
  let deaths = 0;
  while (deaths < 6) {
    const taken = new Promise<Worker>((resolve) => {
      const worker: Worker = new Worker(
        scene.work.name,
        () => {
          deaths++;
          resolve(worker);
          return new Promise(() => {});
        },
        options,
      );
      worker.on('error', () => {});
    });
    await (await taken).close(true);
  }
  const worker = await startWorker({ ...scene.work, lockMs: 500 });
  const job = await until(scene, id, 'failed');
  assert.equal(job.error.code, 'workers_lost');
  assert.equal(readdirSync(audioFolder).length, 1, 'its audio is gone');
  await worker.stop();
  connection.disconnect();
});

withQueue('a spool that is full', { spoolBytes: 100_000 }, async (scene) => {
  const { id } = await documentOf(await post(scene, sampleForm()));
  const full = await post(scene, sampleForm());
  assert.match(full.headers.get('retry-after') ?? '', /^\d+$/);
  assert.equal(await codeOf(full), '503 spool_full');
  assert.equal((await jobAt(scene, id, 'DELETE')).status, 200);
  assert.equal((await post(scene, sampleForm())).status, 202);
});

withQueue('results expire', { keepMs: 1000 }, async (scene) => {
  const worker = await startWorker(scene.work);
  assert.equal((await post(scene, sampleForm({ id: 'a' }))).status, 202);
  await until(scene, 'a', 'completed');
  await setTimeout(1100);
  assert.equal(await codeOf(await jobAt(scene, 'a')), '404 job_not_found');
  assert.equal((await post(scene, sampleForm({ id: 'a', language: 'en' }))).status, 202);
  assert.equal((await until(scene, 'a', 'completed')).result.text, TEXT);
  await worker.stop();
});

withQueue('Redis goes away and comes back, and nothing is lost', { fromMs: 2000 }, async (scene) => {
  const worker = await startWorker({ ...scene.work, lockMs: 2000 });
  const { id: done } = await documentOf(await post(scene, sampleForm()));
  await until(scene, done, 'completed');
  await worker.stop();
  const { id: queued } = await documentOf(await post(scene, sampleForm()));
  const waiting = post(scene, sampleForm({ response_format: 'text' }), '/v1/audio/transcriptions');
  while (readdirSync(audioFolder).length < 2) await setTimeout(10);
  await redis.kill();
  const refused = await post(scene, sampleForm());
  assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/);
  assert.equal(await codeOf(refused), '503 queue_unavailable');
  assert.equal(await codeOf(await jobAt(scene, queued)), '503 queue_unavailable');
  assert.equal((await fetch(`${scene.server.address}/metrics`)).status, 200);
  await redis.start();
  const second = await startWorker({ ...scene.work, exactTokens: null });
  while ((await jobAt(scene, queued)).status === 503) await setTimeout(50);
  assert.equal((await until(scene, queued, 'completed')).result.text, TEXT);
  assert.equal((await until(scene, done, 'completed')).result.text, TEXT);
  assert.equal(await (await waiting).text(), TEXT);
  await second.stop();
});

withQueue('a worker whose Redis goes away in the middle of a job', {}, async (scene) => {
  const worker = await startWorker({ ...scene.work, sequences: 1, exactTokens: 60, lockMs: 30_000 });
  const { id } = await documentOf(await post(scene, sampleForm({}, LONG)));
  await until(scene, id, 'running');
  await redis.kill();
  await redis.start();
  while ((await jobAt(scene, id)).status === 503) await setTimeout(50);
  await until(scene, id, 'completed');
  await worker.stop();
  assert.match(
    worker.notes.join('\n'),
    /^127\.0\.0\.1:\d+: Redis went away; trying again\n.*: Redis is back$/,
  );
});

withQueue('requests that are none', {}, async (scene) => {
  const refusals: [Record<string, string>, number, string][] = [
    [{ id: 'a:b' }, 400, 'id'],
    [{ id: 'a'.repeat(65) }, 400, 'id'],
    [{ stream: 'true' }, 400, 'stream'],
    [{ model: 'gpt-5' }, 404, 'model'],
    [{ speed: '2' }, 400, 'speed'],
  ];
  for (const [fields, status, param] of refusals) {
    const answer = await post(scene, sampleForm(fields));
    assert.deepEqual([answer.status, (await documentOf(answer)).error.param], [status, param]);
  }
  for (const id of ['none', '%2e%2e', 'a%2fb', 'a'.repeat(200)]) {
    assert.equal((await jobAt(scene, id)).status, 404, id);
  }
  assert.deepEqual(readdirSync(audioFolder), []);
});

test('without a queue there are no jobs', async () => {
  const server = await startServer();
  const answer = await fetch(`${server.address}/v1/jobs`, { method: 'POST', body: sampleForm() });
  assert.equal(answer.status, 404);
  await server.stop();
});
