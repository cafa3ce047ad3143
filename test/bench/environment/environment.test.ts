import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { captureEnvironment, captureMachine } from '../../../src/bench/environment/captureMachine.js';
import { gitCommit, hashModel } from '../../../src/bench/environment/provenance.js';
import { demoModelDir } from '../../support/projectRoot.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-environment-'));
after(() => rmSync(scratch, { recursive: true }));

/** A system made of these files and no others. */
const system = (files: Readonly<Record<string, string>>) => (path: string) => files[path] ?? null;

const CPU = '/sys/devices/system/cpu';
const cache = (index: number, level: number, type: string, size: string) => ({
  [`${CPU}/cpu0/cache/index${index}/level`]: `${level}\n`,
  [`${CPU}/cpu0/cache/index${index}/type`]: `${type}\n`,
  [`${CPU}/cpu0/cache/index${index}/size`]: `${size}\n`,
});

test('a Linux machine is described by its files', () => {
  const machine = captureMachine(
    system({
      '/proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu fma f16c avx2 avx512f avx512bw avx512vl avx512_vnni\n',
      '/etc/os-release': 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
      [`${CPU}/cpu0/topology/thread_siblings_list`]: '0,2\n',
      [`${CPU}/cpu1/topology/thread_siblings_list`]: '1,3\n',
      [`${CPU}/cpu2/topology/thread_siblings_list`]: '0,2\n',
      [`${CPU}/cpu3/topology/thread_siblings_list`]: '1,3\n',
      ...cache(0, 1, 'Data', '48K'),
      ...cache(1, 1, 'Instruction', '32K'),
      ...cache(2, 2, 'Unified', '2048K'),
      ...cache(3, 3, 'Unified', '96M'),
    }),
  );
  assert.equal(machine.physicalCores, 2);
  assert.deepEqual(machine.isa, ['avx2', 'avx512f']); // VNNI alone is not the level of BF16
  assert.deepEqual(machine.caches, { l1dBytes: 49_152, l2Bytes: 2_097_152, l3Bytes: 100_663_296 });
  assert.equal(machine.osName, 'Debian GNU/Linux 12 (bookworm)');
  assert.equal(machine.memoryBytes, totalmem());
  assert.equal(machine.node, process.version);
  assert.match(machine.hash, /^[0-9a-f]{64}$/);
});

test('what a system does not tell is null, not a guess', () => {
  const machine = captureMachine(system({}));
  assert.deepEqual([machine.physicalCores, machine.isa, machine.caches], [null, [], null]);
  assert.ok(machine.logicalCpus >= availableParallelism());
  const environment = captureEnvironment(system({}), {});
  const { allowedCpus, nice, load1, freeMemoryBytes, variables, ...rest } = environment;
  assert.equal(allowedCpus, availableParallelism());
  assert.deepEqual(variables, {});
  assert.ok(Object.values(rest).every((value) => value === null));
});

test('this machine is described the same way twice', () => {
  assert.deepEqual(captureMachine(), captureMachine());
});

test('limits of control groups, version 2 and 1, inside and outside of containers', () => {
  const limits = (files: Record<string, string>) => {
    const { cgroupCpus, cgroupMemoryBytes } = captureEnvironment(system(files), {});
    return [cgroupCpus, cgroupMemoryBytes];
  };
  assert.deepEqual(
    limits({
      '/proc/self/cgroup': '0::/user.slice/job\n',
      '/sys/fs/cgroup/user.slice/job/cpu.max': '150000 100000\n',
      '/sys/fs/cgroup/user.slice/job/memory.max': '2147483648\n',
    }),
    [1.5, 2 ** 31],
  );
  assert.deepEqual(
    limits({ '/sys/fs/cgroup/cpu.max': 'max 100000\n', '/sys/fs/cgroup/memory.max': 'max\n' }),
    [null, null],
  );
  assert.deepEqual(
    limits({
      '/proc/self/cgroup': '8:memory:/box\n3:cpu,cpuacct:/box\n',
      '/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us': '400000\n',
      '/sys/fs/cgroup/cpu/box/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/memory/box/memory.limit_in_bytes': '1073741824\n',
    }),
    [4, 2 ** 30],
  );
  assert.deepEqual(
    limits({
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    }),
    [null, null],
  );
});

test('containers and hypervisors are recognised by what they leave', () => {
  const container = (files: Record<string, string>, variables = {}) =>
    captureEnvironment(system(files), variables).container;
  assert.equal(container({ '/.dockerenv': '' }), 'docker');
  assert.equal(container({ '/run/.containerenv': '' }), 'podman');
  assert.equal(container({ '/.dockerenv': '' }, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }), 'kubernetes');
  assert.equal(container({ '/proc/1/cgroup': '0::/kubepods/pod1\n' }), 'kubernetes');
  assert.equal(container({ '/proc/1/cgroup': '0::/init.scope\n' }), null);
  const hypervisor = (files: Record<string, string>) => captureEnvironment(system(files), {}).hypervisor;
  const guest = { '/proc/cpuinfo': 'flags\t: fpu hypervisor avx2\n' };
  assert.equal(hypervisor({ ...guest, '/sys/class/dmi/id/sys_vendor': 'QEMU\n' }), 'kvm');
  assert.equal(hypervisor({ ...guest, '/sys/class/dmi/id/sys_vendor': 'VMware, Inc.\n' }), 'vmware');
  assert.equal(hypervisor({ ...guest, '/sys/hypervisor/type': 'xen\n' }), 'xen');
  assert.equal(hypervisor(guest), 'unknown');
  assert.equal(hypervisor({ '/proc/cpuinfo': 'flags\t: fpu avx2\n' }), null);
});

test('governor, turbo, huge pages, hyper-threads, NUMA nodes and variables', () => {
  const environment = captureEnvironment(
    system({
      [`${CPU}/cpu0/cpufreq/scaling_governor`]: 'powersave\n',
      [`${CPU}/intel_pstate/no_turbo`]: '1\n',
      [`${CPU}/smt/active`]: '1\n',
      '/sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never\n',
      '/sys/devices/system/node/online': '0-1,4\n',
    }),
    { NODE_OPTIONS: '--max-old-space-size=4096', HOME: '/root' },
  );
  assert.equal(environment.cpuGovernor, 'powersave');
  assert.equal(environment.turbo, false);
  assert.equal(environment.simultaneousMultithreading, true);
  assert.equal(environment.transparentHugePages, 'madvise');
  assert.equal(environment.numaNodes, 3);
  assert.deepEqual(environment.variables, { NODE_OPTIONS: '--max-old-space-size=4096' });
  assert.equal(captureEnvironment(system({ [`${CPU}/cpufreq/boost`]: '1\n' }), {}).turbo, true);
});

test('the commit is the one Git names: on a branch, packed, detached, in a worktree', () => {
  const git = (folder: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  const checkout = join(scratch, 'checkout');
  mkdirSync(join(checkout, 'src', 'deep'), { recursive: true });
  const file = join(checkout, 'src', 'deep', 'file.js');
  git(checkout, 'init', '-q');
  assert.equal(gitCommit(file), null); // nothing was committed
  git(checkout, 'commit', '-q', '--allow-empty', '-m', 'one');
  const first = git(checkout, 'rev-parse', 'HEAD');
  assert.equal(gitCommit(file), first);
  git(checkout, 'pack-refs', '--all');
  assert.equal(gitCommit(file), first);
  git(checkout, 'commit', '-q', '--allow-empty', '-m', 'two');
  const worktree = join(scratch, 'worktree');
  git(checkout, 'worktree', 'add', '-q', '-b', 'other', worktree, first);
  assert.equal(gitCommit(join(worktree, 'file.js')), first);
  assert.equal(gitCommit(file), git(checkout, 'rev-parse', 'HEAD'));
  git(checkout, 'checkout', '-q', '--detach', first);
  assert.equal(gitCommit(file), first);
});

test('an installed package has no commit, even inside of a checkout', () => {
  const read = system({ '/project/.git/HEAD': '0'.repeat(40) });
  assert.equal(gitCommit('/project/src/file.js', read), '0'.repeat(40));
  assert.equal(gitCommit('/project/node_modules/qwen-asr/dist/file.js', read), null);
});

test('the hash of a model changes with any of its files, and not with their directory', async () => {
  const [copy, other] = ['copy', 'other'].map((name) => join(scratch, name)) as [string, string];
  for (const folder of [copy, other]) {
    mkdirSync(folder);
    for (const name of readdirSync(demoModelDir).filter((name) => name.endsWith('.safetensors'))) {
      copyFileSync(join(demoModelDir, name), join(folder, name));
    }
  }
  const hash = await hashModel(demoModelDir);
  assert.match(hash ?? '', /^[0-9a-f]{64}$/);
  assert.equal(await hashModel(copy), hash);
  writeFileSync(join(other, 'model-2.safetensors'), 'one file more');
  assert.notEqual(await hashModel(other), hash);
  assert.notEqual(await hashModel('synthetic:tiny'), await hashModel('synthetic:tiny:2'));
  assert.equal(await hashModel('synthetic:tiny'), await hashModel('synthetic:tiny:1'));
  assert.equal(await hashModel(join(scratch, 'nothing')), null);
});
