import koffi from 'koffi';

type Koffi = typeof koffi;
type Call = (...args: number[]) => unknown;

/** What shall be otherwise in koffi. */
interface Changes {
  /** In place of `mmap`, with the real one at hand. */
  readonly mmap?: (real: Call, ...args: number[]) => unknown;
  readonly view?: () => never;
}

/** koffi, but for some of what it does. */
export function wrappedKoffi({ mmap, view }: Changes): Koffi {
  const load: Koffi['load'] = (...path) => {
    const library = koffi.load(...path);
    return new Proxy(library, {
      get: (target, name) => {
        if (name !== 'func') return Reflect.get(target, name);
        return (...declaration: [string, string, string[]]) => {
          const real = target.func(...declaration);
          if (declaration[0] !== 'mmap' || mmap === undefined) return real;
          return (...args: number[]) => mmap(real as Call, ...args);
        };
      },
    });
  };
  return new Proxy(koffi, {
    get: (target, name) => {
      if (name === 'load') return load;
      if (name === 'view' && view !== undefined) return view;
      return Reflect.get(target, name);
    },
  });
}
