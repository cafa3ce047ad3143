import {
  type Aligner,
  loadAlignerFromFiles,
  loadModelFromFiles,
  QwenAsrError,
  type SpeechModel,
  type SpeechStream,
} from '../../src/browser.js';
import { measureRun } from '../bench/measureRun.js';
import { HubStorage } from './hubStorage.js';
import type { EngineEvent, EngineRequest, HubOrder, LiveInput, ModelSource, Speech } from './messages.js';

/* The program of the worker that holds the model: a pass may occupy its thread, and never the page's. */

interface WorkerScope {
  onmessage: ((event: { readonly data: EngineRequest }) => void) | null;
  postMessage(event: EngineEvent): void;
}

const scope = globalThis as unknown as WorkerScope;
const running = new Map<number, AbortController>();
const streams = new Map<number, SpeechStream>();
let model: SpeechModel | null = null;
let aligner: Aligner | null = null;

scope.onmessage = ({ data: request }) => {
  if (request.kind === 'cancel') running.get(request.id)?.abort();
  else if (request.kind === 'samples' || request.kind === 'finish') feed(request);
  else void answer(request);
};

/** What is answered. */
type Question = Exclude<EngineRequest, LiveInput | { kind: 'cancel' }>;

async function answer(request: Question): Promise<void> {
  const { id } = request;
  const abort = new AbortController();
  running.set(id, abort);
  try {
    scope.postMessage(await carryOut(request, abort.signal));
  } catch (error) {
    const code = error instanceof QwenAsrError ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ kind: 'failed', id, code, message });
  } finally {
    running.delete(id);
  }
}

function carryOut(request: Question, signal: AbortSignal): Promise<EngineEvent> {
  switch (request.kind) {
    case 'load':
      return load(request, signal);
    case 'loadAligner':
      return loadAligner(request, signal);
    case 'transcribe':
      return transcribe(request, signal);
    case 'measure':
      return measure(request, signal);
    case 'live':
      return transcribeLive(request, signal);
    default:
      return keep(request, signal);
  }
}

async function load(
  { id, source, threads }: Extract<EngineRequest, { kind: 'load' }>,
  signal: AbortSignal,
): Promise<EngineEvent> {
  await model?.close();
  model = null;
  model = await loadModelFromFiles(await filesOf(source), {
    threads,
    signal,
    ...nameOf(source),
    onBackend: (backend) => scope.postMessage({ kind: 'backend', id, backend }),
    onProgress: progressOf(id),
  });
  return { kind: 'loaded', id, info: model.info };
}

async function loadAligner(
  { id, source, threads }: Extract<EngineRequest, { kind: 'loadAligner' }>,
  signal: AbortSignal,
): Promise<EngineEvent> {
  await aligner?.close();
  aligner = null;
  if (source !== null) {
    const options = { threads, signal, ...nameOf(source), onProgress: progressOf(id) };
    aligner = await loadAlignerFromFiles(await filesOf(source), options);
  }
  return { kind: 'alignerLoaded', id, info: aligner?.info ?? null };
}

/** What messages call it; an address is its own name. */
function nameOf(source: ModelSource): { readonly name?: string } {
  if (source.kind === 'address') return {};
  return { name: source.kind === 'files' ? source.name : source.repository };
}

async function filesOf(source: ModelSource): Promise<string | readonly File[]> {
  if (source.kind === 'address') return source.url;
  if (source.kind === 'files') return source.files;
  const files = await new HubStorage(location.href).files(source.repository);
  if (files === null) throw new QwenAsrError('file', `${source.repository}: not in this browser's storage`);
  return files;
}

/** Tells of every percent once. */
function progressOf(id: number): (bytes: number, totalBytes: number) => void {
  let reported = 0;
  return (readBytes, totalBytes) => {
    const percent = Math.floor((100 * readBytes) / totalBytes);
    if (percent === reported) return;
    reported = percent;
    scope.postMessage({ kind: 'progress', id, readBytes, totalBytes });
  };
}

/** Models of the hub in the browser's storage. */
async function keep(
  {
    kind,
    id,
    endpoint,
    repository,
  }: { readonly kind: 'lookUp' | 'fetch' | 'forget'; readonly id: number } & HubOrder,
  signal: AbortSignal,
): Promise<EngineEvent> {
  const storage = new HubStorage(endpoint);
  if (kind === 'lookUp') return { kind: 'lookedUp', id, model: await storage.lookUp(repository, signal) };
  if (kind === 'fetch') await storage.fetch(repository, progressOf(id), signal);
  else await storage.remove(repository);
  return { kind: 'stored', id };
}

/** Cuts recordings of more than a minute, so that memory does not depend on their length. */
async function transcribe(
  { id, samples, language }: { readonly id: number } & Speech,
  signal: AbortSignal,
): Promise<EngineEvent> {
  const startMs = performance.now();
  const segments = loadedModel().transcribeLong(samples, {
    ...optionsOf(language, signal),
    ...timestamps(),
    onToken: (token) => scope.postMessage({ kind: 'token', id, token }),
  });
  for await (const segment of segments) scope.postMessage({ kind: 'segment', id, segment });
  return { kind: 'transcribed', id, totalMs: performance.now() - startMs };
}

async function measure(
  { id, samples, language }: { readonly id: number } & Speech,
  signal: AbortSignal,
): Promise<EngineEvent> {
  return { kind: 'measured', id, run: await measureRun(loadedModel(), samples, optionsOf(language, signal)) };
}

async function transcribeLive(
  { id, sampleRateHz, language }: Extract<EngineRequest, { kind: 'live' }>,
  signal: AbortSignal,
): Promise<EngineEvent> {
  const options = { sampleRateHz, ...optionsOf(language, signal), ...timestamps() };
  const stream = loadedModel().openStream(options);
  streams.set(id, stream);
  try {
    for await (const heard of stream) scope.postMessage({ kind: 'heard', id, heard });
  } finally {
    streams.delete(id);
  }
  return { kind: 'finished', id };
}

/** What a stream fails with is told where its events are; here it is told what it did not take. */
function feed(input: LiveInput): void {
  const { id } = input;
  const stream = streams.get(id);
  if (stream === undefined) return;
  const done = input.kind === 'samples' ? stream.write(input.samples) : stream.finish();
  done.catch((error: unknown) => {
    if (!(error instanceof QwenAsrError) || error.code !== 'memory') return;
    if (streams.has(id)) scope.postMessage({ kind: 'lost', id, message: error.message });
  });
}

/** Words have times when there is an aligner. */
function timestamps(): { readonly timestamps?: 'word'; readonly aligner?: Aligner } {
  return aligner === null ? {} : { timestamps: 'word', aligner };
}

function optionsOf(language: string, signal: AbortSignal) {
  return { signal, ...(language !== '' && { language }) };
}

function loadedModel(): SpeechModel {
  if (model === null) throw new QwenAsrError('closed', 'no model is loaded');
  return model;
}
