/** Longest quoted name in a message; checkpoint names stay below 80 characters. */
const LONGEST_NAME = 96;

/** Dimensions shown of a shape; real tensors have at most four. */
const MOST_DIMENSIONS = 8;

/**
 * A string out of a file as it may appear in a message: in quotes, control characters escaped, long ones cut, so that
 * a hostile file cannot write to the terminal or fill it.
 *
 * @example
 * quote('model.norm\u001b[2J'); // "model.norm\u001b[2J"
 */
export function quote(text: string): string {
  return text.length > LONGEST_NAME
    ? `${JSON.stringify(text.slice(0, LONGEST_NAME))}… (${text.length} characters)`
    : JSON.stringify(text);
}

/**
 * A shape for messages.
 *
 * @example
 * describeShape([128, 512]); // [128, 512]
 */
export function describeShape(shape: readonly number[]): string {
  const shown = shape.slice(0, MOST_DIMENSIONS).join(', ');
  return shape.length > MOST_DIMENSIONS ? `[${shown}, … ${shape.length} dimensions]` : `[${shown}]`;
}

/**
 * What a caller without a type checker passed, for messages: text in quotes, numbers as they are, arrays and other
 * objects by their kind, or by their class where they have one.
 *
 * @example
 * describeArgument(new Float64Array(3)); // a Float64Array
 */
export function describeArgument(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  const kind = kindOf(value) === 'Object' ? classOf(value) : kindOf(value);
  // Not before U: a URL, a Uint8Array.
  return /^[AEIO]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

/** Object for what has no class, or one whose name is no name. */
function classOf(value: object): string {
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && /^[A-Za-z_$][\w$]{0,63}$/.test(name) ? name : 'Object';
}

/**
 * The kind of an object, those of other realms included (test runners, frames of a page), which `instanceof` does not
 * know.
 *
 * @example
 * kindOf(new Float64Array(3)); // Float64Array
 */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

/**
 * Any JSON value for messages: scalars as they are, the rest by kind.
 *
 * @example
 * describeValue({}); // an object
 */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
