/** The machine, as far as it decides whether two results may be compared. */
export interface MachineRecord {
  readonly cpuModel: string | null;
  /** Node's name of the instruction set: `x64`, `arm64`. */
  readonly architecture: string;
  readonly physicalCores: number | null;
  readonly logicalCpus: number;
  /** Levels and extensions the engine knows, for example `avx2`, `avx512f`, `avx512bf16`; in any order. */
  readonly isa: readonly string[];
  readonly caches: {
    readonly l1dBytes: number | null;
    readonly l2Bytes: number | null;
    readonly l3Bytes: number | null;
  } | null;
  readonly memoryBytes: number;
  /** Node's name: `linux`, `darwin`, `win32`. */
  readonly platform: string;
  /** Name and version as the system gives them: `Debian GNU/Linux 12 (bookworm)`. */
  readonly osName: string | null;
  readonly kernel: string;
  /** `v20.20.2`; of a web page its browser, `Chromium 156`. */
  readonly node: string;
  /**
   * `hashMachine` of the fields above that do not change when software is updated: two results with the same hash
   * come from the same kind of machine.
   */
  readonly hash: string;
}

/** The state the machine was in. Linux knows most of it; what cannot be read is null. */
export interface EnvironmentRecord {
  /** CPUs allowed to the process. */
  readonly allowedCpus: number;
  /** CPUs worth of time that the cgroup grants; null when there is no limit. */
  readonly cgroupCpus: number | null;
  readonly cgroupMemoryBytes: number | null;
  /** `docker`, `podman`, `kubernetes`, `lxc`…; null when none was recognised. */
  readonly container: string | null;
  /** `kvm`, `vmware`…; null for bare metal or unknown. */
  readonly hypervisor: string | null;
  readonly cpuGovernor: string | null;
  readonly turbo: boolean | null;
  readonly simultaneousMultithreading: boolean | null;
  readonly transparentHugePages: string | null;
  readonly numaNodes: number | null;
  readonly nice: number | null;
  readonly load1: number | null;
  readonly freeMemoryBytes: number | null;
  /** Variables that change how Node or the engine runs, when set: `NODE_OPTIONS`, `UV_THREADPOOL_SIZE`… */
  readonly variables: Readonly<Record<string, string>>;
}
