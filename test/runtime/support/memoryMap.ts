import { readFileSync } from 'node:fs';
import koffi from 'koffi';

/** The protection of the mapping that holds an address, for example `r-xp`; null where nothing is mapped. */
export function protectionAt(address: number): string | null {
  return process.platform === 'win32' ? windowsProtectionAt(address) : linuxProtectionAt(address);
}

function linuxProtectionAt(address: number): string | null {
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line);
    if (range === null) continue;
    const [, start, end, protection] = range as unknown as [string, string, string, string];
    if (Number.parseInt(start, 16) <= address && address < Number.parseInt(end, 16)) return protection;
  }
  return null;
}

/** PAGE_… of winnt.h in Linux' words. */
const PROTECTIONS: Readonly<Record<number, string>> = { 2: 'r--s', 4: 'rw-p', 32: 'r-xp' };
const MEM_COMMIT = 0x1000;

function windowsProtectionAt(address: number): string | null {
  const query = koffi.load('kernel32.dll').func('VirtualQuery', 'size_t', ['uintptr_t', 'void *', 'size_t']);
  const information = new Uint32Array(256); // MEMORY_BASIC_INFORMATION: State is its word 8, Protect its word 9
  query(address, information, 48);
  const [state, protection] = information.subarray(8, 10);
  return state === MEM_COMMIT ? (PROTECTIONS[protection!] ?? `protection ${protection}`) : null;
}
