import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { cachedModels } from '../hub/cachedModels.js';
import { hubCacheFolder } from '../hub/hubSettings.js';
import { wasmFeatures } from '../jit/wasm/webAssembly.js';
import { printableLine } from '../printable.js';
import { findProgram } from '../runtime/findProgram.js';
import { defaultThreadCount, enableRelaxedSimd } from '../runtime/nodeThreads.js';
import { answersStandard, standardOptions, version } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { tryMachineCode } from './triedMachineCode.js';
import { helpOf, optionList, paragraph, usageLines } from './usage.js';

/** Options of `qwen_asr doctor`. */
export const DOCTOR_OPTIONS = { ...standardOptions('Options') } as const satisfies OptionTable;

/** The help text of `qwen_asr doctor`. */
const doctorUsage = helpOf(
  usageLines('qwen_asr doctor'),
  paragraph(
    'Says what this machine has, tries machine code against the interpreter in a process of its own, and says what is chosen. Its lines belong into a report of a problem.',
  ),
  optionList(DOCTOR_OPTIONS, ['Options'], { column: 22, names: 'both' }),
);

/** `qwen_asr doctor`: what was found, tried and chosen. */
export async function doctorCommand(context: CommandContext): Promise<ExitCode> {
  const { values } = parseOptions(DOCTOR_OPTIONS, context.args);
  if (answersStandard(values, doctorUsage, context)) return EXIT.ok;
  const say = (what: string, found: string): void =>
    context.out(`${what.padEnd(14)}${printableLine(found)}\n`);
  const gigabytes = (totalmem() / 1e9).toFixed(1);
  say('qwen-asr', version());
  say('runtime', runtimeName());
  say('system', `${process.platform} ${process.arch}, ${release()}`);
  say(
    'processor',
    `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} logical, ${gigabytes} GB of memory`,
  );
  const machineCode = await tryMachineCode();
  say('machine code', machineCode.found);
  say('WebAssembly', webAssemblyName());
  say('chosen', `${machineCode.chosen}, ${defaultThreadCount()} threads`);
  const ffmpeg = findProgram('ffmpeg');
  say(
    'ffmpeg',
    ffmpeg !== null && spawnSync(ffmpeg, ['-version'], { windowsHide: true }).status === 0
      ? `found: ${ffmpeg}`
      : 'not found on the PATH: only WAV, MP3, FLAC and Ogg are read',
  );
  const cache = hubCacheFolder(process.env);
  const models = cachedModels(cache).filter(({ kind, isComplete }) => kind !== 'other' && isComplete);
  say('models', `${models.map(({ name }) => name).join(', ') || 'none'} in ${cache}`);
  if (machineCode.report !== null) say('report', machineCode.report);
  return EXIT.ok;
}

function runtimeName(): string {
  const { bun, deno, node } = process.versions;
  const other = bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : null;
  return other === null ? `Node.js ${node}` : `${other} (as Node.js ${node})`;
}

function webAssemblyName(): string {
  enableRelaxedSimd();
  const { relaxedSimd, memory64 } = wasmFeatures();
  return `${relaxedSimd ? 'relaxed-simd' : 'simd128'}, ${memory64 ? 'more than 4 GiB' : 'up to 4 GiB'} of memory`;
}
