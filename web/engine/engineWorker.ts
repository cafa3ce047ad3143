import { loadModelFromFiles, QwenAsrError, type SpeechModel } from '../../src/browser.js';
import { measureRun } from '../bench/measureRun.js';
import type { EngineEvent, EngineRequest, Speech } from './messages.js';

/* The program of the worker that holds the model: a pass may occupy its thread, and never the page's. */

interface WorkerScope {
  onmessage: ((event: { readonly data: EngineRequest }) => void) | null;
  postMessage(event: EngineEvent): void;
}

const scope = globalThis as unknown as WorkerScope;
const running = new Map<number, AbortController>();
let model: SpeechModel | null = null;

scope.onmessage = ({ data: request }) => {
  if (request.kind === 'cancel') running.get(request.id)?.abort();
  else void answer(request);
};

async function answer(request: Exclude<EngineRequest, { kind: 'cancel' }>): Promise<void> {
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

function carryOut(
  request: Exclude<EngineRequest, { kind: 'cancel' }>,
  signal: AbortSignal,
): Promise<EngineEvent> {
  switch (request.kind) {
    case 'load':
      return load(request, signal);
    case 'transcribe':
      return transcribe(request, signal);
    case 'measure':
      return measure(request, signal);
  }
}

async function load(
  { id, source, threads }: Extract<EngineRequest, { kind: 'load' }>,
  signal: AbortSignal,
): Promise<EngineEvent> {
  await model?.close();
  model = null;
  let reported = 0;
  const files = source.kind === 'address' ? source.url : source.files;
  model = await loadModelFromFiles(files, {
    threads,
    signal,
    ...(source.kind === 'files' && { name: source.name }),
    onBackend: (backend) => scope.postMessage({ kind: 'backend', id, backend }),
    onProgress: (readBytes, totalBytes) => {
      const percent = Math.floor((100 * readBytes) / totalBytes);
      if (percent === reported) return;
      reported = percent;
      scope.postMessage({ kind: 'progress', id, readBytes, totalBytes });
    },
  });
  return { kind: 'loaded', id, info: model.info };
}

/** Cuts recordings of more than a minute, so that memory does not depend on their length. */
async function transcribe(
  { id, samples, language }: { readonly id: number } & Speech,
  signal: AbortSignal,
): Promise<EngineEvent> {
  const startMs = performance.now();
  const segments = loadedModel().transcribeLong(samples, {
    ...optionsOf(language, signal),
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

function optionsOf(language: string, signal: AbortSignal) {
  return { signal, ...(language !== '' && { language }) };
}

function loadedModel(): SpeechModel {
  if (model === null) throw new QwenAsrError('closed', 'no model is loaded');
  return model;
}
