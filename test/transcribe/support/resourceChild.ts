/*
 * A process of its own for tests that look at a whole process: `node resourceChild.js SCENE`. Prints one line of JSON.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { type BackendChoice, loadModel, loadWav } from '../../../src/index.js';
import { demoModelDir } from '../../support/projectRoot.js';

/** What a process holds. */
export interface Holdings {
  readonly rssBytes: number;
  readonly threads: number;
  readonly mappings: number;
  readonly openFiles: number;
}

const THREADS = 3;

/** Module hooks that know no package koffi. */
const HIDE_KOFFI = `
export async function resolve(specifier, context, next) {
  if (specifier === 'koffi') throw new Error("Cannot find package 'koffi'");
  return next(specifier, context);
}`;

const samples = await samplesOf('morning-en.wav');

async function samplesOf(wav: string): Promise<Float32Array> {
  return (await loadWav(join(demoModelDir, 'samples', wav))).samples;
}

function holdings(): Holdings {
  return {
    rssBytes: process.memoryUsage.rss(),
    threads: readdirSync('/proc/self/task').length,
    mappings: readFileSync('/proc/self/maps', 'utf8').trimEnd().split('\n').length,
    openFiles: readdirSync('/proc/self/fd').length,
  };
}

function report(result: unknown): void {
  console.log(JSON.stringify(result));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function load() {
  return loadModel(demoModelDir, { backend: 'x64', threads: THREADS });
}

/** Loads, transcribes and closes 100 times; @returns what is held after 10 and after 100. */
async function cycles(): Promise<Holdings[]> {
  const seen: Holdings[] = [];
  for (let cycle = 1; cycle <= 100; cycle++) {
    const model = await load();
    await model.transcribe(samples.subarray(0, 16_000), { maxTokens: 3 }).result;
    await model.close();
    if (cycle === 10 || cycle === 100) {
      await pause(100); // for what is freed in the background
      seen.push(holdings());
    }
  }
  return seen;
}

/** CPU time that a loaded model takes while nobody asks anything of it. */
async function idle(): Promise<{ threads: number; cpuMs: number }> {
  const model = await load();
  await model.transcribe(samples).result;
  await pause(500); // V8 compiles and collects on its own threads for a while
  const { threads } = holdings();
  const before = process.cpuUsage();
  await pause(1000);
  const { user, system } = process.cpuUsage(before);
  await model.close();
  return { threads, cpuMs: (user + system) / 1000 };
}

/** Milliseconds that this thread has been ready to run but had no CPU: not the event loop's fault. */
function waitedForCpuMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** Delays of a timer while minutes of audio are encoded for three seconds; sorted. */
async function timerDelaysMs(): Promise<number[]> {
  const model = await load();
  const minute = Float32Array.from({ length: 60 * 16_000 }, (_, i) => 0.3 * Math.sin(i * i * 1e-6));
  const delays: number[] = [];
  let lastMs = performance.now();
  let waitedMs = waitedForCpuMs();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const nowWaitedMs = waitedForCpuMs();
    delays.push(Math.max(0, nowMs - lastMs - (nowWaitedMs - waitedMs)));
    lastMs = nowMs;
    waitedMs = nowWaitedMs;
  }, 2);
  const startMs = performance.now();
  while (performance.now() - startMs < 3000) await model.encode(await model.melSpectrogram(minute));
  clearInterval(timer);
  await model.close();
  return delays.sort((a, b) => a - b);
}

const SCENES: Readonly<Record<string, () => Promise<void>>> = {
  cycles: async () => report(await cycles()),
  idle: async () => report(await idle()),
  timers: async () => {
    const delays = await timerDelaysMs();
    report({ count: delays.length, p95Ms: delays[Math.floor(0.95 * delays.length)] });
  },
  /** Ends with a model that nobody closed. */
  leave: async () => {
    const model = await load();
    report((await model.transcribe(samples).result).audioTokenCount);
  },
  /** Ends in the middle of a run. */
  exit: async () => {
    const model = await load();
    const run = model.transcribe(samples, { exactTokens: 10_000 });
    for await (const { index } of run) {
      if (index < 3) continue;
      report(index);
      process.exit(7);
    }
  },
  /** Computes with what there is when the optional package is not installed. */
  withoutKoffi: async () => {
    register(`data:text/javascript,${encodeURIComponent(HIDE_KOFFI)}`);
    let note: string | null = null;
    const onBackend = (choice: BackendChoice) => {
      note = choice.note;
    };
    const model = await loadModel(demoModelDir, { onBackend });
    const { text } = await model.transcribe(await samplesOf('light-en.wav')).result;
    report({ backend: model.info.backend, note, text });
    await model.close();
  },
  /** A run that nobody waits for keeps the process alive until its end. */
  unawaited: async () => {
    const model = await load();
    void model.transcribe(samples).result.then(({ audioTokenCount }) => report(audioTokenCount));
  },
};

await SCENES[process.argv[2] ?? '']!();
