import { findProcessor } from '../runtime/processor.js';
import { loadNative, machineCodeOff } from '../runtime/system/loadNative.js';
import type { Native } from '../runtime/system/native.js';
import { selfTested } from '../transcribe/chooseBackend.js';

/** What was found of machine code, tried and chosen, a line each. */
interface TriedMachineCode {
  readonly found: string;
  /** What `auto` takes, without the threads. */
  readonly chosen: string;
  /** What a report needs beside these lines; null where nothing is to be reported. */
  readonly report: string | null;
}

const WEB_ASSEMBLY = 'WebAssembly (wasm)';

/**
 * Tries machine code now, whatever is kept of earlier trials.
 *
 * @param off why it is used only by its name; nothing of it runs in this process then before it was tried in another
 */
export async function tryMachineCode({
  openNative = loadNative,
  off = machineCodeOff(),
  selfTest = selfTested,
}: {
  readonly openNative?: () => Promise<Native | string>;
  readonly off?: string | null;
  readonly selfTest?: typeof selfTested;
} = {}): Promise<TriedMachineCode> {
  const native = await openNative();
  if (typeof native === 'string') return { found: `no: ${native}`, chosen: WEB_ASSEMBLY, report: null };
  const startMs = performance.now();
  const problem = await selfTest({ again: true });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const processor = problem !== null && off !== null ? null : findProcessor(native);
  if (typeof processor === 'string') return { found: `no: ${processor}`, chosen: WEB_ASSEMBLY, report: null };
  const isa = processor?.isas.at(-1);
  const system = `pages of ${native.pageBytes / 1024} KiB, waits by ${native.waits.kind}`;
  const trial =
    problem === null ? `self-test passed in ${seconds} s` : `but its self-test failed: ${problem}`;
  const found = [isa, system, trial].filter((part) => part !== undefined).join(', ');
  const code = `machine code (${processor?.architecture}), ${isa}`;
  if (problem !== null) return { found, chosen: WEB_ASSEMBLY, report: reportOfFailure() };
  if (off === null) return { found, chosen: code, report: null };
  return {
    found,
    chosen: `${WEB_ASSEMBLY}; with --backend native ${code}`,
    report: `${off.split(' (')[0]}: please send these lines to the project`,
  };
}

/** @returns on macOS also where the system writes what killed a process, and what Node is allowed to do */
function reportOfFailure(): string {
  if (process.platform !== 'darwin') return 'please send these lines to the project';
  return `please send these lines, the newest node-*.ips below ~/Library/Logs/DiagnosticReports, and what this prints: codesign -d -v --entitlements - '${process.execPath}'`;
}
