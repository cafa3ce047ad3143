import { accessSync, constants, statSync } from 'node:fs';
import { posix, win32 } from 'node:path';

/** What Windows starts by itself; scripts (.bat, .cmd) need their interpreter. */
const STARTED_BY_WINDOWS = new Set(['.com', '.exe']);
const DEFAULT_EXTENSIONS = '.COM;.EXE';

/** The system that looks. */
export interface ProgramSearch {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a file is there that may be started. */
  readonly isProgram: (path: string) => boolean;
}

/**
 * Where a program is on the PATH. Windows itself would look in the working directory first, where a recording's folder may
 * hold anything, and its names have extensions (PATHEXT).
 *
 * @returns null where there is none
 * @example
 * findProgram('ffmpeg'); // 'C:\\tools\\ffmpeg\\bin\\ffmpeg.exe'
 */
export function findProgram(name: string, search: Partial<ProgramSearch> = {}): string | null {
  const { platform = process.platform, env = process.env, isProgram = mayStart } = search;
  const { delimiter, join } = platform === 'win32' ? win32 : posix;
  const folders = (variable(env, 'PATH', platform) ?? '')
    .split(delimiter)
    .map((folder) => (platform === 'win32' ? folder.trim().replaceAll('"', '') : folder))
    .filter((folder) => folder !== '' && folder !== '.');
  for (const folder of folders) {
    for (const extension of platform === 'win32' ? extensionsOf(env) : ['']) {
      const path = join(folder, name + extension);
      if (isProgram(path)) return path;
    }
  }
  return null;
}

function extensionsOf(env: ProgramSearch['env']): string[] {
  const listed = (variable(env, 'PATHEXT', 'win32') || DEFAULT_EXTENSIONS).split(';');
  return listed
    .map((extension) => extension.trim().toLowerCase())
    .filter((name) => STARTED_BY_WINDOWS.has(name));
}

/** Variables of Windows go by any letter case: `Path`. */
function variable(env: ProgramSearch['env'], name: string, platform: NodeJS.Platform): string | undefined {
  if (platform !== 'win32') return env[name];
  return env[Object.keys(env).find((key) => key.toUpperCase() === name) ?? name];
}

function mayStart(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
