import type { Koffi } from '../../../src/runtime/system/native.js';

/** A call of a function of the system: its name, then its arguments. */
export type SystemCall = readonly [name: string, ...args: readonly unknown[]];

type SystemFunction = (...args: never[]) => unknown;

/**
 * koffi on a system that is not this one: its functions do what the test says, every call is written down, and memory is
 * an array for each address that is looked at.
 */
export class FakeKoffi {
  readonly calls: SystemCall[] = [];
  /** What a failed call left in errno. */
  errno = 0;
  /** As declared: the result, then the parameters. */
  readonly declared = new Map<string, readonly string[]>();
  private readonly functions: Readonly<Record<string, SystemFunction>>;

  /** @param functions by their names; others are missing, as in an older system */
  constructor(functions: Readonly<Record<string, SystemFunction>>) {
    this.functions = functions;
  }

  get koffi(): Koffi {
    const library = {
      func: (name: string, result: string, parameters: string[]) => {
        const called = this.functions[name];
        if (called === undefined) throw new Error(`Cannot find function '${name}' in shared library`);
        this.declared.set(name, [result, ...parameters]);
        return (...args: never[]) => {
          this.calls.push([name, ...args]);
          return called(...args);
        };
      },
    };
    return {
      load: () => library,
      view: (_: number, byteLength: number) => new ArrayBuffer(byteLength),
      errno: () => this.errno,
    } as unknown as Koffi;
  }

  /** What was called since the last time. */
  takeCalls(): SystemCall[] {
    return this.calls.splice(0);
  }
}
