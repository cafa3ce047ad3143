import { availableParallelism, freemem, getPriority, loadavg } from 'node:os';
import { env } from 'node:process';
import { readSystemFile } from '../meters/systemFile.js';
import type { EnvironmentRecord } from '../schema/machineRecord.js';
import type { ReadSystemFile } from './captureMachine.js';
import { cgroupLimits } from './cgroupLimits.js';
import { recogniseContainer, recogniseHypervisor } from './virtualization.js';

/** Variables that change how Node or the engine runs. */
const VARIABLES = ['NODE_OPTIONS', 'UV_THREADPOOL_SIZE', 'MALLOC_ARENA_MAX', 'LD_PRELOAD', 'QWEN_ASR_DEBUG'];

/**
 * The state the machine is in now.
 *
 * @example
 * captureEnvironment().cpuGovernor; // 'performance'
 */
export function captureEnvironment(
  read: ReadSystemFile = readSystemFile,
  variables: Readonly<Record<string, string | undefined>> = env,
): EnvironmentRecord {
  const cpu = '/sys/devices/system/cpu';
  const line = (path: string): string | null => read(path)?.trim() || null;
  const smt = line(`${cpu}/smt/active`);
  const nodes = line('/sys/devices/system/node/online');
  return {
    allowedCpus: availableParallelism(),
    ...cgroupLimits(read),
    container: recogniseContainer(read, variables),
    hypervisor: recogniseHypervisor(read),
    cpuGovernor: line(`${cpu}/cpu0/cpufreq/scaling_governor`),
    turbo: turbo(line(`${cpu}/intel_pstate/no_turbo`), line(`${cpu}/cpufreq/boost`)),
    simultaneousMultithreading: smt === null ? null : smt === '1',
    transparentHugePages:
      /\[(\w+)\]/.exec(read('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1] ?? null,
    numaNodes: nodes === null ? null : countList(nodes),
    nice: getPriority(),
    load1: process.platform === 'win32' ? null : (loadavg()[0] ?? null),
    freeMemoryBytes: freemem(),
    variables: Object.fromEntries(
      VARIABLES.flatMap((name) => (variables[name] ? [[name, variables[name]]] : [])),
    ),
  };
}

function turbo(intelOff: string | null, boost: string | null): boolean | null {
  if (intelOff !== null) return intelOff === '0';
  return boost === null ? null : boost === '1';
}

/** Members of a list such as `0-3,8`. */
function countList(list: string): number {
  return list.split(',').reduce((count, range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return count + last - first + 1;
  }, 0);
}
