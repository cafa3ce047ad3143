import type { EnvironmentRecord } from '../schema/machineRecord.js';
import type { ReadSystemFile } from './captureMachine.js';

/** Versions 1 of cgroups write a limit near 2⁶³ for none. */
const NO_LIMIT_BYTES = 2 ** 60;

/** What the process's control group grants it, by cgroup version 2 or 1; null where there is no limit. */
export function cgroupLimits(
  read: ReadSystemFile,
): Pick<EnvironmentRecord, 'cgroupCpus' | 'cgroupMemoryBytes'> {
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
