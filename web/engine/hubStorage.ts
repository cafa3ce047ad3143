import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { QwenAsrError } from '../../src/error.js';
import { folderOf } from '../../src/hub/hubNames.js';
import { checkFileNames, type HubFile, parseRevision } from '../../src/hub/revisionAnswer.js';

/** What the hub has of a model, and how much of that is in this browser. */
export interface HubModel {
  readonly repository: string;
  readonly commit: string;
  readonly totalBytes: number;
  readonly storedBytes: number;
}

/** Names the files of a revision that is there as a whole. */
const COMPLETE = '.complete';

/** Read at once when a file is hashed. */
const PIECE_BYTES = 4 * 2 ** 20;

/**
 * Models of the Hugging Face Hub in the browser's own storage (its origin-private file system), a folder for each commit.
 * Every file is checked by its hash; one that is there in part is gone on with. In workers only.
 */
export class HubStorage {
  readonly #endpoint: URL;

  /** @param endpoint the hub, or a mirror of it; ends with a slash */
  constructor(endpoint: string) {
    this.#endpoint = new URL(endpoint);
  }

  /** Asks the hub what a model is. @throws QwenAsrError `network`, `model`, `aborted` */
  async lookUp(repository: string, signal: AbortSignal): Promise<HubModel> {
    const { commit, files } = await this.#revision(repository, signal);
    const folder = await this.#folder(repository, commit);
    const stored = await Promise.all(files.map(async ({ name }) => (await sizeOf(folder, name)) ?? 0));
    const total = (sum: number, bytes: number) => sum + bytes;
    return {
      repository,
      commit,
      totalBytes: files.map(({ sizeBytes }) => sizeBytes).reduce(total, 0),
      storedBytes: stored.reduce(total, 0),
    };
  }

  /**
   * Fetches what is missing of a model.
   *
   * @param onProgress told how many bytes are there
   * @throws QwenAsrError `network`, `model`, `aborted`; `file` where there is no room
   */
  async fetch(
    repository: string,
    onProgress: (bytes: number, totalBytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { commit, files } = await this.#revision(repository, signal);
    const folder = await this.#folder(repository, commit);
    const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    await checkRoom(repository, totalBytes);
    let before = 0;
    for (const file of files) {
      await this.#fetchFile({ repository, commit, folder, file, signal }, (bytes) =>
        onProgress(before + bytes, totalBytes),
      );
      before += file.sizeBytes;
    }
    const names = new TextEncoder().encode(JSON.stringify(files.map(({ name }) => name)));
    const list = await openFile(folder, COMPLETE);
    list.truncate(0);
    list.write(names);
    list.close();
  }

  /** The files of a model that is there as a whole; null when none is. */
  async files(repository: string): Promise<File[] | null> {
    const models = await navigator.storage.getDirectory();
    try {
      const folder = await models.getDirectoryHandle(folderOf(repository));
      for await (const commit of folder.values()) {
        if (commit.kind !== 'directory' || (await sizeOf(commit, COMPLETE)) === null) continue;
        const names = JSON.parse(await (await fileOf(commit, COMPLETE)).text()) as string[];
        return await Promise.all(names.map((name) => fileOf(commit, name)));
      }
    } catch (cause) {
      if (!(cause instanceof DOMException) || cause.name !== 'NotFoundError') throw cause;
    }
    return null;
  }

  /** Gives the space of a model back, whatever is there of it. */
  async remove(repository: string): Promise<void> {
    const models = await navigator.storage.getDirectory();
    await models.removeEntry(folderOf(repository), { recursive: true }).catch(() => {});
  }

  async #revision(repository: string, signal: AbortSignal) {
    const response = await this.#get(`api/models/${repository}/revision/main?blobs=true`, {}, signal);
    const page = response.headers.get('content-type')?.startsWith('text/html') === true;
    const { commit, files } = parseRevision(await response.text(), page, this.#label(repository));
    checkFileNames(this.#label(repository), files);
    // Templates in folders are not needed to transcribe.
    return { commit, files: files.filter(({ name }) => !name.includes('/')) };
  }

  async #folder(repository: string, commit: string): Promise<FileSystemDirectoryHandle> {
    const models = await navigator.storage.getDirectory();
    const folder = await models.getDirectoryHandle(folderOf(repository), { create: true });
    return folder.getDirectoryHandle(commit, { create: true });
  }

  async #fetchFile(
    { repository, commit, folder, file, signal }: FileOrder,
    onProgress: (bytes: number) => void,
  ): Promise<void> {
    const handle = await openFile(folder, file.name);
    try {
      if (handle.getSize() > file.sizeBytes) handle.truncate(0);
      const hash = new GrowingHash(file);
      for (let at = 0; at < handle.getSize(); at += PIECE_BYTES) {
        const piece = new Uint8Array(Math.min(PIECE_BYTES, handle.getSize() - at));
        handle.read(piece, { at });
        hash.update(piece);
      }
      onProgress(handle.getSize());
      if (handle.getSize() < file.sizeBytes) {
        const path = `${repository}/resolve/${commit}/${encodeURIComponent(file.name)}`;
        const start = handle.getSize();
        const headers: Record<string, string> = start > 0 ? { Range: `bytes=${start}-` } : {};
        const response = await this.#get(path, headers, signal);
        if (response.status !== 206) {
          // The whole file, whatever was asked for.
          handle.truncate(0);
          hash.restart();
        }
        await writeBody(response, handle, hash, onProgress, signal);
      }
      if (handle.getSize() === file.sizeBytes && hash.isRight()) return;
      const found = `found ${handle.getSize()} bytes, or others`;
      if (handle.getSize() >= file.sizeBytes) handle.truncate(0);
      const expected = `expected ${file.sizeBytes} bytes with the hub's hash`;
      throw new QwenAsrError('network', `${this.#label(repository)}: ${file.name}: ${expected}, ${found}`);
    } finally {
      handle.close();
    }
  }

  async #get(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const url = new URL(path, this.#endpoint);
    try {
      const response = await fetch(url, { headers, signal, credentials: 'omit' });
      if (response.ok) return response;
      const reason = [401, 403, 404].includes(response.status)
        ? 'no such model, or one that needs a token'
        : `status ${response.status}`;
      throw new QwenAsrError('network', `${url.host}: ${url.pathname.slice(1)}: ${reason}`);
    } catch (cause) {
      if (cause instanceof QwenAsrError) throw cause;
      if (signal.aborted) throw new QwenAsrError('aborted', 'fetching was stopped; it can go on later');
      throw new QwenAsrError('network', `${url.host}: cannot be reached (${String(cause)})`);
    }
  }

  #label(repository: string): string {
    return `${this.#endpoint.host}: ${repository}`;
  }
}

interface FileOrder {
  readonly repository: string;
  readonly commit: string;
  readonly folder: FileSystemDirectoryHandle;
  readonly file: HubFile;
  readonly signal: AbortSignal;
}

/** A file of the storage while a worker has it open (FileSystemSyncAccessHandle, which the types of a page leave out). */
interface OpenFile {
  getSize(): number;
  read(bytes: Uint8Array, options: { readonly at: number }): number;
  write(bytes: Uint8Array, options?: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** The hash of a file that grows: SHA-256, or git's SHA-1 of `blob <size>\0` and the bytes. */
class GrowingHash {
  readonly #file: HubFile;
  #hash;

  constructor(file: HubFile) {
    this.#file = file;
    this.#hash = this.#begin();
  }

  restart(): void {
    this.#hash = this.#begin();
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  isRight(): boolean {
    return bytesToHex(this.#hash.digest()) === this.#file.hash;
  }

  #begin() {
    if (this.#file.algorithm === 'sha256') return sha256.create();
    return sha1.create().update(new TextEncoder().encode(`blob ${this.#file.sizeBytes}\0`));
  }
}

async function writeBody(
  response: Response,
  handle: OpenFile,
  hash: GrowingHash,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = response.body!.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const at = handle.getSize();
      if (handle.write(value, { at }) < value.length) throw new Error('the storage is full');
      hash.update(value);
      onProgress(at + value.length);
    }
  } catch (cause) {
    if (signal.aborted) throw new QwenAsrError('aborted', 'fetching was stopped; it can go on later');
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QwenAsrError('network', `${new URL(response.url).host}: ${reason}; it can go on later`);
  } finally {
    handle.flush();
  }
}

/** @throws QwenAsrError `file` */
async function checkRoom(repository: string, totalBytes: number): Promise<void> {
  const { quota = Number.POSITIVE_INFINITY, usage = 0 } = await navigator.storage.estimate();
  if (totalBytes <= quota) return;
  const room = `this browser gives ${Math.round(quota / 1e6)} MB, ${Math.round(usage / 1e6)} MB in use`;
  throw new QwenAsrError(
    'file',
    `${repository}: expected room for ${Math.round(totalBytes / 1e6)} MB, ${room}`,
  );
}

async function openFile(folder: FileSystemDirectoryHandle, name: string): Promise<OpenFile> {
  const handle = await folder.getFileHandle(name, { create: true });
  if (!('createSyncAccessHandle' in handle)) {
    throw new QwenAsrError(
      'unsupported',
      'this browser cannot keep models: its storage has no files for workers',
    );
  }
  return (handle as unknown as { createSyncAccessHandle(): Promise<OpenFile> }).createSyncAccessHandle();
}

async function fileOf(folder: FileSystemDirectoryHandle, name: string): Promise<File> {
  return (await folder.getFileHandle(name)).getFile();
}

async function sizeOf(folder: FileSystemDirectoryHandle, name: string): Promise<number | null> {
  try {
    return (await fileOf(folder, name)).size;
  } catch {
    return null;
  }
}
