import { QwenAsrError } from '../error.js';

/*
 * Names that Windows gives to no file (learn.microsoft.com, "Naming Files, Paths, and Namespaces"). Recordings may have
 * them all the same: on a share of another system, in a path that begins with \\?\, or from before a rule changed.
 */

/** Devices, whatever extension follows; the superscript digits count too. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])$/i;
/** A drive, a share, or what a path that is taken as it is begins with. */
const ROOT = /^(?:[\\/]{2}[^\\/]+[\\/]+[^\\/]+|[A-Za-z]:)/;
/** What the system keeps for itself: drives, streams, patterns, redirection. */
const RESERVED = '<>:"|?*/\\';
const FIRST_PRINTABLE = 0x20;

/** Whether a file's name stands for a device on Windows, as `aux.json` does. */
export function isDeviceName(name: string): boolean {
  return DEVICE.test(beforeFirstDot(name).trimEnd());
}

/**
 * A name as Windows takes it: `_` in place of each character that it forbids and of dots and spaces at the end, and after
 * the name of a device.
 *
 * @param name of a file or a folder, without the folders above it
 * @example
 * windowsName('con.wav'); // 'con_.wav'
 * windowsName('What now?.mp3'); // 'What now_.mp3'
 */
export function windowsName(name: string): string {
  const written = Array.from(name, (character) => (isForbidden(character) ? '_' : character))
    .join('')
    .replace(/[. ]+$/, ({ length }) => '_'.repeat(length));
  if (!isDeviceName(written)) return written;
  const { length } = beforeFirstDot(written);
  return `${written.slice(0, length)}_${written.slice(length)}`;
}

/**
 * Refuses a path with a name that cannot be made, which Windows itself would answer with something else: `a:b` is a hidden
 * stream of the file `a`, `nul.txt` swallows what is written, `talk.` becomes `talk`.
 *
 * @throws QwenAsrError `file`; never where the system is not Windows
 */
export function checkWindowsNames(path: string, platform: NodeJS.Platform): void {
  if (platform !== 'win32') return;
  for (const name of path.replace(ROOT, '').split(/[/\\]/)) {
    if (name === '' || name === '.' || name === '..' || windowsName(name) === name) continue;
    const why = isDeviceName(name)
      ? 'the name of a device'
      : /[. ]$/.test(name)
        ? 'which ends in a dot or a space'
        : 'which has one of <>:"|?* or a control character';
    throw new QwenAsrError(
      'file',
      `${path}: expected a name that Windows allows, found ${JSON.stringify(name)}, ${why}`,
    );
  }
}

function isForbidden(character: string): boolean {
  return RESERVED.includes(character) || character.charCodeAt(0) < FIRST_PRINTABLE;
}

function beforeFirstDot(name: string): string {
  return name.split('.', 1)[0]!;
}
