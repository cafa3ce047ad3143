import type { ReadSystemFile } from './captureMachine.js';

/** What the first process's control group is called under each container runtime. */
const GROUP_NAMES: readonly (readonly [pattern: RegExp, container: string])[] = [
  [/kubepods/, 'kubernetes'],
  [/docker/, 'docker'],
  [/libpod/, 'podman'],
  [/containerd|cri-/, 'containerd'],
  [/\/lxc/, 'lxc'],
];

/** The container runtime that this process runs under, by the marks that each leaves; null when there are none. */
export function recogniseContainer(
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
export function recogniseHypervisor(read: ReadSystemFile): string | null {
  const type = read('/sys/hypervisor/type')?.trim();
  if (type) return type;
  if (!/^flags\s*:.*\bhypervisor\b/m.test(read('/proc/cpuinfo') ?? '')) return null;
  const maker = `${read('/sys/class/dmi/id/sys_vendor') ?? ''} ${read('/sys/class/dmi/id/product_name') ?? ''}`;
  const known = VENDORS.find(([pattern]) => pattern.test(maker))?.[1];
  // A guest clock of KVM is there also where the firmware is silent.
  const clocks = read('/sys/devices/system/clocksource/clocksource0/available_clocksource') ?? '';
  return known ?? (clocks.includes('kvm') ? 'kvm' : 'unknown');
}
