import { readFileSync } from 'node:fs';

/** The protection of the mapping that holds an address, for example `r-xp`; null where nothing is mapped. */
export function protectionAt(address: number): string | null {
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line);
    if (range === null) continue;
    const [, start, end, protection] = range as unknown as [string, string, string, string];
    if (Number.parseInt(start, 16) <= address && address < Number.parseInt(end, 16)) return protection;
  }
  return null;
}
