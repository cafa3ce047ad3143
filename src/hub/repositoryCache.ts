import {
  copyFileSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileError } from '../error.js';
import { removeFile, replaceFile } from '../model/replaceFile.js';
import { draftOf, makeOutputFolder, tryDraft, writeWhole } from '../model/writeWhole.js';
import { checkedHash, markChecked } from './checkedHash.js';
import { DEFAULT_REVISION, folderOf } from './hubNames.js';
import { COMMIT, type HubFile, type HubRevision } from './revisionAnswer.js';

/** Makes a symbolic link; throws where the system forbids it. */
export type MakeLink = (target: string, path: string) => void;

/** What a system says that has no links, or not for everybody: Windows without its developer mode, exFAT, some shares. */
const NO_LINKS = /^(EPERM|ENOSYS|ENOTSUP|EOPNOTSUPP|EINVAL|UNKNOWN)$/;

/**
 * A repository in the hub's cache, laid out as the hub's own client does, so that both find each other's files:
 *
 *     models--OWNER--NAME/blobs/HASH                  the bytes, by their hash
 *     models--OWNER--NAME/snapshots/COMMIT/FILE       links to them; files themselves where links are forbidden
 *     models--OWNER--NAME/refs/REVISION               the commit that a branch or tag stood for
 *
 * Beside these, in `.qwen-asr`, stand the files that are coming in and the marks of blobs whose hash was looked at.
 */
export class RepositoryCache {
  /** The hub's cache. */
  readonly cache: string;
  readonly folder: string;

  constructor(cache: string, repository: string) {
    this.cache = cache;
    this.folder = join(cache, folderOf(repository));
  }

  blobPath({ hash }: Pick<HubFile, 'hash'>): string {
    return join(this.folder, 'blobs', hash);
  }

  snapshotPath(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** A file that is coming in, without extension. */
  partialPath({ hash }: HubFile): string {
    return join(this.#ownFolder, hash);
  }

  /** How much of it is on the disk already. */
  partialBytes(file: HubFile): number {
    const status = statSync(`${this.partialPath(file)}.part`, { throwIfNoEntry: false });
    // Ranges come in any order: what is between them takes no space yet.
    return status === undefined ? 0 : Math.min(file.sizeBytes, status.blocks * 512 || status.size);
  }

  /** What the lock of the repository belongs to: outside its folder, which may be removed. */
  get lockPath(): string {
    return join(this.cache, '.locks', basename(this.folder), 'qwen-asr');
  }

  get #ownFolder(): string {
    return join(this.folder, '.qwen-asr');
  }

  /** @throws QwenAsrError `file` for a cache that cannot be written */
  makeFolders(): void {
    for (const folder of [dirname(this.lockPath), join(this.folder, 'blobs'), this.#ownFolder]) {
      makeOutputFolder(folder);
    }
    // Folders that are there need not take files.
    try {
      tryDraft(join(this.#ownFolder, 'x'));
    } catch (cause) {
      throw fileError(`${this.cache}: cannot be written to`, cause);
    }
  }

  /**
   * Whether the bytes of a file are there and right. What another program left is hashed once.
   *
   * @param onDamaged told of a blob of another hash than its name says
   */
  async has(
    file: HubFile,
    commit: string,
    {
      signal,
      onDamaged,
    }: { readonly signal?: AbortSignal; readonly onDamaged?: (path: string) => void } = {},
  ): Promise<boolean> {
    // Where links are forbidden the blob has become the snapshot's file.
    for (const path of [this.blobPath(file), join(this.snapshotPath(commit), file.name)]) {
      const status = statSync(path, { throwIfNoEntry: false });
      if (status === undefined || !status.isFile()) continue;
      if (status.size === file.sizeBytes && (await checkedHash(path, this.#markPath(file), file, signal))) {
        return true;
      }
      onDamaged?.(path);
    }
    return false;
  }

  /** The first file that a snapshot lacks or has otherwise; null when it is whole. */
  async firstMissing({ commit, files }: HubRevision, signal?: AbortSignal): Promise<HubFile | null> {
    for (const file of files) {
      const isPlaced = isFile(join(this.snapshotPath(commit), file.name));
      if (!isPlaced || !(await this.has(file, commit, signal === undefined ? {} : { signal }))) return file;
    }
    return null;
  }

  /** Remembers that a file's hash is right. */
  mark(path: string, file: HubFile): void {
    markChecked(path, this.#markPath(file));
  }

  #markPath({ hash }: HubFile): string {
    return join(this.#ownFolder, `${hash}.checked`);
  }

  /**
   * Makes a file of a snapshot from its blob.
   *
   * @param keepBlob whether another file of the snapshot needs it too
   */
  place(
    file: HubFile,
    commit: string,
    {
      makeLink = symlinkSync,
      keepBlob = false,
    }: { makeLink?: MakeLink | undefined; keepBlob?: boolean } = {},
  ): void {
    const blob = this.blobPath(file);
    const path = join(this.snapshotPath(commit), file.name);
    if (!isFile(blob)) return; // it is the snapshot's file already
    try {
      if (isFile(path) && realpathSync(path) === realpathSync(blob)) return;
      makeOutputFolder(dirname(path));
      const draft = draftOf(path);
      try {
        makeLink(relative(dirname(path), blob), draft);
      } catch (cause) {
        if (!NO_LINKS.test(codeOf(cause))) throw cause;
        const isShared = keepBlob || this.#blobsOfOthers(commit).has(file.hash);
        return isShared ? copyWhole(blob, path) : replaceFile(blob, path);
      }
      replaceFile(draft, path);
    } catch (cause) {
      throw fileError(path, cause);
    }
  }

  /** The commit of a branch or tag, or the commit itself; null when it is not known here. */
  commitOf(revision: string): string | null {
    if (COMMIT.test(revision)) return revision;
    try {
      const commit = readFileSync(this.#refPath(revision), 'utf8').trim();
      return COMMIT.test(commit) ? commit : null;
    } catch {
      return null;
    }
  }

  setCommit(revision: string, commit: string): void {
    if (COMMIT.test(revision) || this.commitOf(revision) === commit) return;
    const path = this.#refPath(revision);
    makeOutputFolder(dirname(path));
    try {
      writeWhole(path, commit);
    } catch (cause) {
      throw fileError(path, cause);
    }
  }

  #refPath(revision: string): string {
    return join(this.folder, 'refs', ...revision.split('/'));
  }

  /** Branches and tags with their commits; `main` comes first. */
  revisions(): ReadonlyMap<string, string> {
    const names = filesBelow(join(this.folder, 'refs')).map((name) => name.replaceAll('\\', '/'));
    const ordered = names.sort((a, b) => Number(b === DEFAULT_REVISION) - Number(a === DEFAULT_REVISION));
    return new Map(
      ordered.flatMap((name) => {
        const commit = this.commitOf(name);
        return commit === null ? [] : [[name, commit] as const];
      }),
    );
  }

  /** Commits that have a snapshot. */
  commits(): string[] {
    return namesIn(join(this.folder, 'snapshots')).filter((name) => COMMIT.test(name));
  }

  /**
   * Removes a snapshot, its revisions' names, and the blobs that no other snapshot uses; with the last one the folder.
   *
   * @returns how many bytes that gave back
   */
  removeSnapshot(commit: string): number {
    const snapshot = this.snapshotPath(commit);
    try {
      if (this.commits().every((other) => other === commit)) return this.removeFolder();
      const used = this.#blobsOfOthers(commit);
      // Two files with the same bytes are one blob.
      const unused = new Set(this.#blobsOf(snapshot).filter((blob) => !used.has(blob)));
      const blobs = [...unused].map((hash) => this.blobPath({ hash }));
      const ownFiles = filesBelow(snapshot).map((name) => join(snapshot, name));
      const freedBytes = [...ownFiles, ...blobs].reduce((sum, path) => sum + bytesOf(path), 0);
      removeLargestFirst([...ownFiles, ...blobs]);
      for (const [revision, target] of this.revisions()) {
        if (target === commit) rmSync(this.#refPath(revision), { force: true });
      }
      rmSync(snapshot, { recursive: true, force: true });
      for (const blob of unused) {
        rmSync(join(this.#ownFolder, `${blob}.checked`), { force: true });
      }
      return freedBytes;
    } catch (cause) {
      throw fileError(snapshot, cause);
    }
  }

  /** Removes all there is of the repository, what an interrupted pull left included; gives the bytes back. */
  removeFolder(): number {
    try {
      const paths = filesBelow(this.folder).map((name) => join(this.folder, name));
      const freedBytes = paths.reduce((sum, path) => sum + bytesOf(path), 0);
      removeLargestFirst(paths);
      rmSync(this.folder, { recursive: true, force: true });
      return freedBytes;
    } catch (cause) {
      throw fileError(this.folder, cause);
    }
  }

  /** Bytes of files that have not come in whole; without a snapshot, all that came so far. */
  unfinishedBytes(): number {
    const came = filesBelow(this.folder).map((name) => join(this.folder, name));
    const paths = this.commits().length === 0 ? came : this.#unfinished();
    return paths.reduce((sum, path) => sum + bytesOf(path), 0);
  }

  /** Removes what an interrupted pull left of a state that is not asked for any more. */
  dropUnfinished(): void {
    try {
      for (const path of this.#unfinished()) rmSync(path, { force: true });
    } catch {
      // The model is whole; `remove` takes the rest.
    }
  }

  #unfinished(): string[] {
    const names = namesIn(this.#ownFolder).filter((name) => /\.(part|journal)$/.test(name));
    return names.map((name) => join(this.#ownFolder, name));
  }

  #blobsOfOthers(commit: string): ReadonlySet<string> {
    const others = this.commits().filter((other) => other !== commit);
    return new Set(others.flatMap((other) => this.#blobsOf(this.snapshotPath(other))));
  }

  /** Names of the blobs that a snapshot links to; what leads elsewhere is none of ours. */
  #blobsOf(snapshot: string): string[] {
    const blobs = join(this.folder, 'blobs');
    return filesBelow(snapshot).flatMap((name) => {
      const path = join(snapshot, name);
      if (!lstatSync(path).isSymbolicLink()) return [];
      const target = resolve(dirname(path), readlinkSync(path));
      return dirname(target) === blobs ? [relative(blobs, target)] : [];
    });
  }

  /** Takes away an empty folder that a pull made for nothing. */
  tidy(): void {
    for (const folder of [this.#ownFolder, join(this.folder, 'blobs'), this.folder]) {
      try {
        rmdirSync(folder);
      } catch {
        return; // something is in it
      }
    }
  }
}

/** Paths of all that is no folder below a folder; nothing when there is none. */
function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)));
  } catch {
    return [];
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Windows keeps weights that are in use: nothing else is gone then. */
function removeLargestFirst(paths: readonly string[]): void {
  for (const path of [...paths].sort((one, other) => bytesOf(other) - bytesOf(one))) {
    try {
      removeFile(path);
    } catch (cause) {
      throw fileError(path, cause);
    }
  }
}

/** Whole or not at all, also where the disk becomes full. */
function copyWhole(source: string, path: string): void {
  const draft = draftOf(path);
  try {
    copyFileSync(source, draft);
    replaceFile(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Of a link nothing. */
function bytesOf(path: string): number {
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status?.isFile() ? status.size : 0;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
