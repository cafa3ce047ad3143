import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileError } from '../../error.js';
import { ApiError } from '../apiError.js';

/** Names of the folders that servers keep uploads in: the machine, the process, something random. */
const FOLDER = /^qwen-asr-spool-([0-9a-f]+)-(\d+)-[0-9a-f]+$/;

/**
 * Where uploads lie while they are transcribed: a folder of this process's own that nobody else can read. What servers
 * of this machine left behind that were killed is removed at the start.
 */
export class Spool {
  readonly #folder: string;
  readonly #maxBytes: number;
  #bytes = 0;

  /**
   * @param base null: the system's temporary folder
   * @param maxBytes of all files together
   * @throws QwenAsrError `file`
   */
  constructor(base: string | null, maxBytes: number) {
    const place = base ?? tmpdir();
    this.#maxBytes = maxBytes;
    this.#folder = join(
      place,
      `qwen-asr-spool-${machine()}-${process.pid}-${randomBytes(6).toString('hex')}`,
    );
    try {
      if (base !== null) mkdirSync(base, { recursive: true, mode: 0o700 });
      sweep(place);
      mkdirSync(this.#folder, { mode: 0o700 });
    } catch (cause) {
      throw fileError(`${place}: uploads cannot be kept there`, cause);
    }
  }

  /** Bytes that lie in it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A new file of a random name. */
  async create(): Promise<SpoolFile> {
    const path = join(this.#folder, randomBytes(16).toString('hex'));
    return new SpoolFile(path, await open(path, 'wx', 0o600), (bytes) => this.#take(bytes));
  }

  /** Removes everything. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #take(bytes: number): void {
    if (bytes > 0 && this.#bytes + bytes > this.#maxBytes) {
      throw spoolFull();
    }
    this.#bytes += bytes;
  }
}

/** There is no room: later there may be. */
export function spoolFull(): ApiError {
  return new ApiError(503, 'no room for further uploads at the moment', {
    reason: 'spool_full',
    headers: { 'retry-after': '10' },
  });
}

/** One upload. */
export class SpoolFile {
  readonly path: string;
  bytes = 0;
  readonly #file: FileHandle;
  readonly #take: (bytes: number) => void;
  #isOpen = true;
  #isRemoved = false;

  /** @param take counts bytes, and throws when there are too many */
  constructor(path: string, file: FileHandle, take: (bytes: number) => void) {
    this.path = path;
    this.#file = file;
    this.#take = take;
  }

  /** @throws ApiError 503 when the spool is full */
  async write(piece: Uint8Array): Promise<void> {
    this.#take(piece.length);
    this.bytes += piece.length;
    await this.#file.writeFile(piece);
  }

  /** Nothing more is written. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#file.close();
  }

  async remove(): Promise<void> {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    await this.close();
    this.#take(-this.bytes);
    await rm(this.path, { force: true });
  }
}

/** The machine's name in letters that every file system takes. */
function machine(): string {
  return Buffer.from(hostname()).toString('hex').slice(0, 64);
}

/** Removes the folders of this machine's processes that have ended. */
function sweep(place: string): void {
  for (const name of readdirSync(place)) {
    const [, owner, pid] = FOLDER.exec(name) ?? [];
    if (owner !== machine() || isAlive(Number(pid)) || !isOwn(join(place, name))) continue;
    rmSync(join(place, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isOwn(path: string): boolean {
  return process.getuid === undefined || statSync(path).uid === process.getuid();
}
