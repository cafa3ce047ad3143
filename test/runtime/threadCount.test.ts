import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { defaultThreadCount, parseCpuList } from '../../src/runtime/nodeThreads.js';
import { parseDarwinTopology } from '../../src/runtime/system/darwinTopology.js';

/** Linux's files of a machine whose cores have two hyper-threads each: CPU n and n + cores. */
function machine(cores: number, allowed: string, others: Readonly<Record<string, string>> = {}) {
  const files = new Map(Object.entries(others));
  files.set(
    '/proc/self/status',
    `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${allowed}\nThreads:\t7\n`,
  );
  for (let cpu = 0; cpu < 2 * cores; cpu++) {
    const siblings = `${cpu % cores},${(cpu % cores) + cores}\n`;
    files.set(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, siblings);
  }
  return (path: string) => files.get(path) ?? null;
}

test('lists of CPUs', () => {
  assert.deepEqual(parseCpuList('0'), [0]);
  assert.deepEqual(parseCpuList('0-3,8'), [0, 1, 2, 3, 8]);
  assert.deepEqual(parseCpuList('1,3-3,62-64'), [1, 3, 62, 63, 64]);
});

test('cores count once however many hyper-threads are allowed', () => {
  assert.equal(defaultThreadCount(machine(8, '0-15')), 8);
  assert.equal(defaultThreadCount(machine(8, '0-3')), 4);
  assert.equal(defaultThreadCount(machine(8, '0,8')), 1);
  assert.equal(defaultThreadCount(machine(8, '2,10-11')), 2);
});

test('on macOS the fast cores count', () => {
  const m4 = parseDarwinTopology('hw.physicalcpu: 10\nhw.logicalcpu: 10\nhw.perflevel0.physicalcpu: 4\n');
  assert.equal(
    defaultThreadCount(() => null, m4),
    4,
  );
  assert.equal(
    defaultThreadCount(() => null, null),
    availableParallelism(),
  );
});

test('a quota of the cgroup counts in whole CPUs, at least one', () => {
  const limited = (limit: string) => ({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': limit });
  assert.equal(defaultThreadCount(machine(8, '0-15', limited('250000 100000\n'))), 2);
  assert.equal(defaultThreadCount(machine(8, '0-15', limited('50000 100000\n'))), 1);
  assert.equal(defaultThreadCount(machine(8, '0-15', limited('max 100000\n'))), 8);
  assert.equal(defaultThreadCount(machine(2, '0-3', limited('900000 100000\n'))), 2);
});

test('the tightest quota around the process counts, wherever it stands', () => {
  const files = {
    '/proc/self/cgroup': '0::/user.slice/app.service\n',
    '/sys/fs/cgroup/user.slice/app.service/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/user.slice/cpu.max': '300000 100000\n',
  };
  assert.equal(defaultThreadCount(machine(8, '0-15', files)), 3);
  const inner = { ...files, '/sys/fs/cgroup/user.slice/app.service/cpu.max': '100000 50000\n' };
  assert.equal(defaultThreadCount(machine(8, '0-15', inner)), 2);
});

test('quotas of the first version of cgroups, also under the path of the host', () => {
  const groups = '11:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/docker/x\n';
  const quota = (folder: string, limit: string) => ({
    '/proc/self/cgroup': groups,
    [`/sys/fs/cgroup/cpu${folder}/cpu.cfs_quota_us`]: limit,
    [`/sys/fs/cgroup/cpu${folder}/cpu.cfs_period_us`]: '100000\n',
  });
  assert.equal(defaultThreadCount(machine(8, '0-15', quota('/docker/x', '400000\n'))), 4);
  assert.equal(defaultThreadCount(machine(8, '0-15', quota('', '200000\n'))), 2);
  assert.equal(defaultThreadCount(machine(8, '0-15', quota('', '-1\n'))), 8);
});

test('without the files it is what Node says', () => {
  assert.equal(
    defaultThreadCount(() => null),
    availableParallelism(),
  );
  const noTopology = (path: string) => (path === '/proc/self/status' ? 'Cpus_allowed_list:\t0-1\n' : null);
  assert.equal(defaultThreadCount(noTopology), availableParallelism());
});

test('this machine has at least one, and no more than its CPUs', () => {
  const count = defaultThreadCount();
  assert.ok(Number.isInteger(count) && count >= 1 && count <= availableParallelism(), String(count));
});
