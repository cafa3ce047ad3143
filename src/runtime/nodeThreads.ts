import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { wasmFeatures } from '../jit/wasm/webAssembly.js';
import { type DarwinTopology, darwinTopology } from './system/darwinTopology.js';
import { windowsTopology } from './system/windowsTopology.js';
import { type ParticipantReply, type ParticipantThread, participantSource } from './wasmParticipant.js';

/** What a worker thread of Node runs to take part in passes. */
const program = () => `
const { parentPort } = require('node:worker_threads');
const participant = ${participantSource()};
parentPort.on('message', (message) => {
  const reply = participant.receive(message);
  if (reply !== null) parentPort.postMessage(reply);
});`;

/** A participant on a worker thread of Node. */
export function spawnNodeParticipant(): ParticipantThread {
  // Without the process's own flags: some, such as --input-type, stop a worker from starting.
  const worker = new Worker(program(), { eval: true, execArgv: [] });
  let ending = false;
  return {
    post: (message) => worker.postMessage(message),
    onReply: (listener) => void worker.on('message', (reply: ParticipantReply) => listener(reply)),
    onFailure: (listener) => {
      worker.on('error', (error) => listener(error.message));
      worker.on('exit', (code) => {
        if (!ending) listener(`exit code ${code}`);
      });
    },
    hold: (alive) => (alive ? worker.ref() : worker.unref()),
    terminate: async () => {
      ending = true;
      await worker.terminate();
    },
  };
}

/**
 * Switches relaxed SIMD on where V8 has it behind a flag (Node 20): fused multiply-add nearly doubles the matrix
 * products there. Must run before the first module and worker are made; does nothing where the flag is gone.
 */
export function enableRelaxedSimd(): void {
  if (!wasmFeatures().relaxedSimd) setFlagsFromString('--experimental-wasm-relaxed-simd');
}

/** Text of a file; null where there is none. */
type ReadText = (path: string) => string | null;

/**
 * Participants that a pass should have: the physical cores that the process may use, after its affinity mask and its
 * cgroup's CPU quota (hyper-threads of one core share the units that matrix products need).
 *
 * @param read how Linux's files are read
 * @param mac what macOS says: its fast cores count alone, as all wait for who takes a tile last (not measured there yet)
 */
export function defaultThreadCount(
  read: ReadText = readText,
  mac: DarwinTopology | null = darwinTopology(),
): number {
  const all = availableParallelism();
  const cores = physicalCores(read) ?? mac?.fastCores ?? windowsCores() ?? all;
  return Math.max(1, Math.min(cores, cpuQuota(read) ?? cores));
}

/**
 * Most participants on WebAssembly. Each is a whole JavaScript engine, which takes 0.1 s of CPU time and 8 MB to start,
 * and more than there are processors compute nothing sooner; two a processor, and 4, are left for trying that out.
 */
export function mostWasmThreads(): number {
  return Math.max(4, 2 * availableParallelism());
}

/** Of other groups of 64 processors only newer versions run threads: Node tells how many there may be. */
function windowsCores(): number | null {
  const topology = windowsTopology();
  return topology && Math.min(topology.allowedCores, availableParallelism());
}

/** Distinct cores among the CPUs of the affinity mask; null where Linux's files do not tell. */
function physicalCores(read: ReadText): number | null {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status') ?? '')?.[1];
  if (allowed === undefined) return null;
  const cores = new Set<string>();
  for (const cpu of parseCpuList(allowed)) {
    const siblings = read(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`);
    if (siblings === null) return null;
    cores.add(siblings.trim());
  }
  return cores.size === 0 ? null : cores.size;
}

/** CPUs of a list such as `0-3,8`. */
export function parseCpuList(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first, last] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: (last ?? first) - first + 1 }, (_, i) => first + i);
  });
}

/** Whole CPUs of the tightest quota of the process's cgroup and those around it, at least 1; null without a quota. */
function cpuQuota(read: ReadText): number | null {
  const groups = read('/proc/self/cgroup') ?? '';
  const quotas = [
    ...ancestors(/^0::(\/.*)$/m.exec(groups)?.[1]).map((group) => read(`/sys/fs/cgroup${group}/cpu.max`)),
    ...ancestors(/^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(\/.*)$/m.exec(groups)?.[1]).map((group) => {
      const folder = `/sys/fs/cgroup/cpu${group}`;
      return `${read(`${folder}/cpu.cfs_quota_us`)} ${read(`${folder}/cpu.cfs_period_us`)}`;
    }),
  ].flatMap((text) => {
    // `max 100000` or `-1 100000` where there is no limit.
    const [quota = 0, period = 0] = (text ?? '').trim().split(/\s+/).map(Number);
    return quota > 0 && period > 0 ? [quota / period] : [];
  });
  return quotas.length === 0 ? null : Math.max(1, Math.floor(Math.min(...quotas)));
}

/** A cgroup and those around it, as folders; `/a/b` → `/a/b`, `/a`, and the root as ''. In a container only the root is seen. */
function ancestors(group = '/'): string[] {
  const names = group.split('/').filter((name) => name !== '');
  return Array.from({ length: names.length + 1 }, (_, i) =>
    names.slice(0, names.length - i).reduce((path, name) => `${path}/${name}`, ''),
  );
}

function readText(path: string): string | null {
  if (process.platform === 'win32') return null;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
