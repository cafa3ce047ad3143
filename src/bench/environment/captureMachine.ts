import {
  availableParallelism,
  cpus,
  freemem,
  getPriority,
  loadavg,
  release,
  totalmem,
  version,
} from 'node:os';
import { env } from 'node:process';
import { type DarwinTopology, darwinTopology } from '../../runtime/system/darwinTopology.js';
import { type WindowsTopology, windowsTopology } from '../../runtime/system/windowsTopology.js';
import { readLinuxFile } from '../meters/systemFile.js';
import { type EnvironmentRecord, hashMachine, type MachineRecord } from '../schema/machineRecord.js';

/** Reads a file of the system, or null; a test puts another machine in its place. */
export type ReadSystemFile = (path: string) => string | null;

/** What systems tell that have no files for it. */
type Topology = Omit<WindowsTopology, 'allowedCores'> | DarwinTopology;

/**
 * The machine that this runs on. Linux tells all of it, Windows and macOS all but the instruction sets; elsewhere cores and
 * caches may be unknown too.
 *
 * @example
 * captureMachine().cpuModel; // 'AMD EPYC 9R14'
 */
export function captureMachine(
  read: ReadSystemFile = readLinuxFile,
  topology: Topology | null = windowsTopology() ?? darwinTopology(),
): MachineRecord {
  const machine = {
    cpuModel: cpus()[0]?.model.trim() || null,
    architecture: process.arch,
    physicalCores: countCores(read) ?? topology?.cores ?? null,
    logicalCpus: Math.max(cpus().length, availableParallelism()),
    isa: instructionSets(read),
    caches: readCaches(read) ?? topology?.caches ?? null,
    memoryBytes: totalmem(),
    platform: process.platform,
    osName: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(read('/etc/os-release') ?? '')?.[1] ?? version(),
    kernel: release(),
    node: process.version,
  };
  return { ...machine, hash: hashMachine(machine) };
}

/** CPU flags of Linux behind each level of the engine; the system lists what it has enabled. */
const LEVEL_FLAGS: readonly (readonly [level: string, flags: readonly string[]])[] = [
  ['avx2', ['avx2', 'fma', 'f16c']],
  ['avx512f', ['avx512f', 'avx512bw', 'avx512vl']],
  ['avx512bf16', ['avx512_bf16', 'avx512_vnni']],
  ['amx', ['amx_bf16', 'amx_tile']],
];

function instructionSets(read: ReadSystemFile): string[] {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(read('/proc/cpuinfo') ?? '')?.[1]?.split(' ') ?? []);
  return LEVEL_FLAGS.filter(([, needed]) => needed.every((flag) => flags.has(flag))).map(([level]) => level);
}

/** Distinct sets of hyper-threads; null where the system does not tell. */
function countCores(read: ReadSystemFile): number | null {
  const cores = new Set<string>();
  for (let cpu = 0; ; cpu++) {
    const siblings = read(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`);
    if (siblings === null) return cores.size === 0 ? null : cores.size;
    cores.add(siblings.trim());
  }
}

/** What the first CPU sees: its own caches and the one it shares. */
function readCaches(read: ReadSystemFile): MachineRecord['caches'] {
  const sizes = new Map<string, number>();
  for (let index = 0; ; index++) {
    const part = (name: string): string =>
      read(`/sys/devices/system/cpu/cpu0/cache/index${index}/${name}`)?.trim() ?? '';
    const size = /^(\d+)([KM])$/.exec(part('size'));
    if (size === null) break;
    if (part('type') === 'Instruction') continue;
    sizes.set(part('level'), Number(size[1]) * (size[2] === 'K' ? 2 ** 10 : 2 ** 20));
  }
  if (sizes.size === 0) return null;
  const of = (level: string): number | null => sizes.get(level) ?? null;
  return { l1dBytes: of('1'), l2Bytes: of('2'), l3Bytes: of('3') };
}

/** Variables that change how Node or the engine runs. */
const VARIABLES = ['NODE_OPTIONS', 'UV_THREADPOOL_SIZE', 'MALLOC_ARENA_MAX', 'LD_PRELOAD', 'QWEN_ASR_DEBUG'];

/**
 * The state the machine is in now.
 *
 * @example
 * captureEnvironment().cpuGovernor; // 'performance'
 */
export function captureEnvironment(
  read: ReadSystemFile = readLinuxFile,
  variables: Readonly<Record<string, string | undefined>> = env,
  topology: Topology | null = windowsTopology() ?? darwinTopology(),
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
    simultaneousMultithreading: smt === null ? (topology?.simultaneousMultithreading ?? null) : smt === '1',
    transparentHugePages:
      /\[(\w+)\]/.exec(read('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1] ?? null,
    numaNodes: nodes === null ? (topology?.numaNodes ?? null) : countList(nodes),
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

/** Versions 1 of cgroups write a limit near 2⁶³ for none. */
const NO_LIMIT_BYTES = 2 ** 60;

/** What the process's control group grants it, by cgroup version 2 or 1; null where there is no limit. */
function cgroupLimits(read: ReadSystemFile): Pick<EnvironmentRecord, 'cgroupCpus' | 'cgroupMemoryBytes'> {
  const groups = read('/proc/self/cgroup') ?? '';
  const unified = (name: string): string | null => {
    const group = /^0::(\/.*)$/m.exec(groups)?.[1] ?? '/';
    return (
      read(`/sys/fs/cgroup${group === '/' ? '' : group}/${name}`) ??
      // Inside a container the group's path may be that of the host; its own files are then at the top.
      read(`/sys/fs/cgroup/${name}`)
    );
  };
  const old = (controller: string, name: string): string | null => {
    const group =
      new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(/.*)$`, 'm').exec(groups)?.[1] ?? '/';
    return (
      read(`/sys/fs/cgroup/${controller}${group === '/' ? '' : group}/${name}`) ??
      read(`/sys/fs/cgroup/${controller}/${name}`)
    );
  };
  const [quota, period] = (
    unified('cpu.max') ?? `${old('cpu', 'cpu.cfs_quota_us')} ${old('cpu', 'cpu.cfs_period_us')}`
  )
    .trim()
    .split(/\s+/)
    .map(Number);
  const bytes = Number(unified('memory.max') ?? old('memory', 'memory.limit_in_bytes') ?? Number.NaN);
  return {
    cgroupCpus:
      quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : null,
    cgroupMemoryBytes: bytes > 0 && bytes < NO_LIMIT_BYTES ? bytes : null,
  };
}

/** What the first process's control group is called under each container runtime. */
const GROUP_NAMES: readonly (readonly [pattern: RegExp, container: string])[] = [
  [/kubepods/, 'kubernetes'],
  [/docker/, 'docker'],
  [/libpod/, 'podman'],
  [/containerd|cri-/, 'containerd'],
  [/\/lxc/, 'lxc'],
];

/** The container runtime that this process runs under, by the marks that each leaves; null when there are none. */
function recogniseContainer(
  read: ReadSystemFile,
  variables: Readonly<Record<string, string | undefined>>,
): string | null {
  if (variables['KUBERNETES_SERVICE_HOST'] !== undefined) return 'kubernetes';
  if (read('/run/.containerenv') !== null) return 'podman';
  if (read('/.dockerenv') !== null) return 'docker';
  const named = variables['container']; // set by systemd-nspawn and lxc
  if (named !== undefined && named !== '') return named;
  const groups = read('/proc/1/cgroup') ?? '';
  return GROUP_NAMES.find(([pattern]) => pattern.test(groups))?.[1] ?? null;
}

/** What the firmware of a virtual machine says of its maker. */
const VENDORS: readonly (readonly [pattern: RegExp, hypervisor: string])[] = [
  [/VMware/i, 'vmware'],
  [/innotek|VirtualBox/i, 'virtualbox'],
  [/Microsoft/i, 'hyper-v'],
  [/Xen/i, 'xen'],
  [/Parallels/i, 'parallels'],
  [/Firecracker/i, 'firecracker'],
  [/QEMU|KVM|Google|Amazon EC2|OpenStack|DigitalOcean|Hetzner/i, 'kvm'],
];

/** The hypervisor below this system; `unknown` when there is one that does not say its name, null when there is none. */
function recogniseHypervisor(read: ReadSystemFile): string | null {
  const type = read('/sys/hypervisor/type')?.trim();
  if (type) return type;
  if (!/^flags\s*:.*\bhypervisor\b/m.test(read('/proc/cpuinfo') ?? '')) return null;
  const maker = `${read('/sys/class/dmi/id/sys_vendor') ?? ''} ${read('/sys/class/dmi/id/product_name') ?? ''}`;
  const known = VENDORS.find(([pattern]) => pattern.test(maker))?.[1];
  // A guest clock of KVM is there also where the firmware is silent.
  const clocks = read('/sys/devices/system/clocksource/clocksource0/available_clocksource') ?? '';
  return known ?? (clocks.includes('kvm') ? 'kvm' : 'unknown');
}
