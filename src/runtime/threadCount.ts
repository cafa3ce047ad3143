import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * Participants that a pass should have: the physical cores that the process may use, after its affinity mask and its
 * cgroup's CPU quota (hyper-threads of one core share the units that matrix products need).
 */
export function defaultThreadCount(): number {
  const cores = physicalCores() ?? availableParallelism();
  return Math.max(1, Math.min(cores, cpuQuota() ?? cores));
}

/** Distinct cores among the CPUs of the affinity mask; null where Linux's files do not tell. */
function physicalCores(): number | null {
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

/** Whole CPUs of the cgroup's quota, at least 1; null where there is none. */
function cpuQuota(): number | null {
  const group = /^0::(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/';
  const unified =
    read(`/sys/fs/cgroup${group === '/' ? '' : group}/cpu.max`) ?? read('/sys/fs/cgroup/cpu.max');
  const old = [read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us'), read('/sys/fs/cgroup/cpu/cpu.cfs_period_us')];
  const [quota, period] = (unified ?? old.map((text) => text ?? '').join(' '))
    .trim()
    .split(/\s+/)
    .map(Number);
  if (quota === undefined || period === undefined || !(quota > 0) || !(period > 0)) return null;
  return Math.max(1, Math.floor(quota / period));
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
