import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSystemFile } from '../meters/systemFile.js';
import type { ReadSystemFile } from './captureMachine.js';

/**
 * The commit that is checked out where a file lies, read from Git's own files (gitrepository-layout(5)).
 *
 * @param from a file in the checkout; default: this one
 * @returns null outside of a checkout, as in an installed package
 */
export function gitCommit(
  from: string = fileURLToPath(import.meta.url),
  read: ReadSystemFile = readSystemFile,
): string | null {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const head = readHead(folder, read);
    if (head !== null) return head;
    // An installed package belongs to nobody's checkout, wherever it was installed.
    if (folder === dirname(folder) || folder.endsWith('node_modules')) return null;
  }
}

function readHead(folder: string, read: ReadSystemFile): string | null {
  // In a worktree .git is a file that names the real directory, and branches are kept in the common one.
  const link = /^gitdir: (.*)$/m.exec(read(join(folder, '.git')) ?? '')?.[1];
  const git = link === undefined ? join(folder, '.git') : isAbsolute(link) ? link : join(folder, link);
  const head = read(join(git, 'HEAD'))?.trim();
  if (head === undefined) return null;
  const branch = /^ref: (.*)$/.exec(head)?.[1];
  if (branch === undefined) return commitId(head);
  const common = join(git, read(join(git, 'commondir'))?.trim() ?? '.');
  const loose = read(join(git, branch)) ?? read(join(common, branch));
  if (loose !== null) return commitId(loose.trim());
  const packed = (read(join(common, 'packed-refs')) ?? '').split('\n');
  return commitId(packed.find((line) => line.endsWith(` ${branch}`))?.split(' ')[0] ?? '');
}

function commitId(text: string): string | null {
  return /^[0-9a-f]{40,64}$/.test(text) ? text : null;
}
