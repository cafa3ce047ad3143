import { QwenAsrError } from '../error.js';
import type { ModelFile } from './folderOfFiles.js';
import { parseObject } from './modelText.js';
import { INDEX_FILE, SINGLE_FILE, TEXT_FILES } from './readModelFolder.js';

/**
 * The files of a model that a web server has below one address: those with the names of a published model, as far as
 * present. Text files are fetched at once, weights when they are read.
 *
 * @param baseUrl ends with a slash
 * @throws QwenAsrError `file` when the server cannot be reached; `model` for a malformed index; `aborted`
 * @example
 * const files = await fetchModelFiles('https://example.org/models/demo/');
 */
export async function fetchModelFiles(baseUrl: string | URL, signal?: AbortSignal): Promise<ModelFile[]> {
  const server = new ModelServer(new URL(baseUrl), signal);
  const texts = await Promise.all(Object.values(TEXT_FILES).map((name) => server.fetchWhole(name)));
  const weights = await server.describe(SINGLE_FILE);
  const shards = weights === null ? await fetchShards(server) : [weights];
  return [...texts.filter((file) => file !== null), ...shards];
}

/** The index and the shards that it names; nothing where there is no index. */
async function fetchShards(server: ModelServer): Promise<ModelFile[]> {
  const index = await server.fetchWhole(INDEX_FILE);
  if (index === null) return [];
  const document = parseObject(await index.text(), server.addressOf(INDEX_FILE));
  const names = new Set<unknown>(Object.values(document['weight_map'] ?? {}));
  const shards = await Promise.all(
    [...names].filter((name) => typeof name === 'string').map((name) => server.describe(name)),
  );
  return [index, ...shards.filter((file) => file !== null)];
}

interface WholeFile extends ModelFile {
  text(): Promise<string>;
}

class ModelServer {
  readonly #base: URL;
  readonly #signal: AbortSignal | undefined;

  constructor(base: URL, signal: AbortSignal | undefined) {
    this.#base = base;
    this.#signal = signal;
  }

  addressOf(name: string): string {
    return new URL(encodeURIComponent(name), this.#base).href;
  }

  /** A file in memory; null when there is none. */
  async fetchWhole(name: string): Promise<WholeFile | null> {
    const response = await this.#fetch(name, 'GET');
    if (response === null) return null;
    const blob = await this.#guarded(name, () => response.blob());
    const slice = (start: number, end: number) => blob.slice(start, end);
    return { name, size: blob.size, stream: () => blob.stream(), slice, text: () => blob.text() };
  }

  /** A file whose bytes are fetched when they are read; null when there is none. */
  async describe(name: string): Promise<ModelFile | null> {
    const head = await this.#fetch(name, 'HEAD');
    if (head === null) return null;
    const size = Number(head.headers.get('content-length') ?? Number.NaN);
    // The length of a compressed answer says nothing about the file's.
    if (!Number.isSafeInteger(size) || head.headers.has('content-encoding')) return this.fetchWhole(name);
    const slice = (start: number, end: number) => ({ arrayBuffer: () => this.#fetchPart(name, start, end) });
    const gives = head.headers.get('accept-ranges') === 'bytes' ? { slice } : {};
    return { name, size, stream: () => this.#stream(name), ...gives };
  }

  async #fetchPart(name: string, start: number, end: number): Promise<ArrayBuffer> {
    const response = await this.#fetch(name, 'GET', { range: `bytes=${start}-${end - 1}` });
    if (response?.status !== 206) throw this.#error(name, 'the server gave no part of it');
    return this.#guarded(name, () => response.arrayBuffer());
  }

  #stream(name: string): ReadableStream<Uint8Array> {
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    return new ReadableStream({
      pull: async (controller) => {
        reader ??= (await this.#fetch(name, 'GET'))?.body?.getReader();
        if (reader === undefined) throw this.#error(name, 'not found any more');
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => reader?.cancel(),
    });
  }

  async #fetch(
    name: string,
    method: 'GET' | 'HEAD',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response | null> {
    const signal = this.#signal ?? null;
    const response = await this.#guarded(name, () =>
      fetch(this.addressOf(name), { method, headers, signal }),
    );
    // Many servers answer every unknown address with their start page.
    if (response.status === 404 || response.headers.get('content-type')?.startsWith('text/html')) return null;
    if (!response.ok) throw this.#error(name, `the server answered ${response.status}`);
    return response;
  }

  async #guarded<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (this.#signal?.aborted) {
        throw new QwenAsrError('aborted', `${this.addressOf(name)}: loading was aborted`, { cause });
      }
      throw this.#error(name, cause instanceof Error ? cause.message : String(cause));
    }
  }

  #error(name: string, reason: string): QwenAsrError {
    return new QwenAsrError('file', `${this.addressOf(name)}: could not be fetched: ${reason}`);
  }
}
