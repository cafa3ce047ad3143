import { loadModelFromFiles, QwenAsrError, type SpeechModel } from '../../src/browser.js';
import type { EngineEvent, EngineRequest } from './messages.js';

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
    scope.postMessage(
      request.kind === 'load' ? await load(request, abort.signal) : await transcribe(request, abort.signal),
    );
  } catch (error) {
    const code = error instanceof QwenAsrError ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ kind: 'failed', id, code, message });
  } finally {
    running.delete(id);
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

async function transcribe(
  { id, samples, language }: Extract<EngineRequest, { kind: 'transcribe' }>,
  signal: AbortSignal,
): Promise<EngineEvent> {
  if (model === null) throw new QwenAsrError('closed', 'no model is loaded');
  const transcription = model.transcribe(samples, { signal, ...(language !== '' && { language }) });
  for await (const token of transcription) scope.postMessage({ kind: 'token', id, token });
  return { kind: 'transcribed', id, transcript: await transcription.result };
}
