import { QwenAsrError } from '../error.js';

/** A package that is installed only where npm could and should. */
export interface OptionalPackage {
  readonly name: string;
  /** What it is needed for, for the error. */
  readonly purpose: string;
}

/**
 * Runs `load`, which imports from an optional package.
 *
 * @throws QwenAsrError `unsupported` naming the package when it is not installed or does not load.
 */
export async function fromOptionalPackage<T>(
  { name, purpose }: OptionalPackage,
  label: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && String(cause.code).includes('NOT_FOUND');
    const reason = missing ? 'is not installed' : `cannot be loaded (${String(cause)})`;
    const hint = `${purpose} needs the package ${name}, which ${reason}; npm install ${name} adds it`;
    throw new QwenAsrError('unsupported', `${label}: ${hint}`, { cause });
  }
}
