import type { Redis } from 'ioredis';
import { QwenAsrError } from '../../error.js';

/** The packages of a queue, which are installed by whoever wants one. */
export interface QueuePackages {
  readonly bullmq: typeof import('bullmq');
  readonly Redis: typeof import('ioredis').Redis;
}

/** How a connection behaves while Redis is away. */
export interface RedisHabits {
  /** True: commands wait until it is back, as a worker has time; false: they fail within seconds, as a client waits. */
  readonly waits: boolean;
  /** Is told, once for each time, that Redis went away and that it is back. */
  readonly onNote: (note: string) => void;
}

const CONNECT_TIMEOUT_MS = 5000;
const COMMAND_TIMEOUT_MS = 10_000;
const LONGEST_PAUSE_MS = 2000;

/** What jobs are called in Redis begins with it. */
export const QUEUE_PREFIX = 'qwen-asr';

/** @throws QwenAsrError `unsupported` when they are not installed */
export async function loadQueuePackages(): Promise<QueuePackages> {
  try {
    const [bullmq, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bullmq, Redis };
  } catch (cause) {
    const line = 'a queue needs the packages bullmq and ioredis: npm install bullmq ioredis';
    throw new QwenAsrError('unsupported', line, { cause });
  }
}

/**
 * Connects to the Redis that holds a queue, and checks that it would not drop jobs.
 *
 * @param url `redis://…` or, with TLS, `rediss://…`; a password in it is never shown
 * @throws QwenAsrError `network` when it cannot be reached, `unsupported` when it may drop jobs
 */
export async function connectRedis(
  { Redis }: Pick<QueuePackages, 'Redis'>,
  url: string,
  { waits, onNote }: RedisHabits,
): Promise<Redis> {
  const place = new URL(url).host;
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableOfflineQueue: waits,
    maxRetriesPerRequest: waits ? null : 1,
    ...(!waits && { commandTimeout: COMMAND_TIMEOUT_MS }),
    retryStrategy: (times) => Math.min(100 * times, LONGEST_PAUSE_MS),
  });
  let reason = 'no answer';
  redis.on('error', ({ message }: Error) => {
    reason = message === '' ? reason : message;
  });
  try {
    await redis.connect();
    await checkPolicies(redis, place, onNote);
  } catch (cause) {
    redis.disconnect();
    if (cause instanceof QwenAsrError) throw cause;
    throw new QwenAsrError('network', `${place}: Redis cannot be reached: ${reason}`, { cause });
  }
  let isAway = false;
  redis.on('reconnecting', () => {
    if (!isAway) onNote(`${place}: Redis went away; trying again`);
    isAway = true;
  });
  redis.on('ready', () => {
    if (isAway) onNote(`${place}: Redis is back`);
    isAway = false;
  });
  return redis;
}

/** Jobs that Redis forgets are lost. */
async function checkPolicies(redis: Redis, place: string, onNote: (note: string) => void): Promise<void> {
  const facts = await redis.info();
  const fact = (name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, 'm').exec(facts)?.[1];
  const policy = fact('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    const line = `expected Redis to have maxmemory-policy noeviction, as it drops jobs otherwise, found ${policy}`;
    throw new QwenAsrError('unsupported', `${place}: ${line}`);
  }
  if (fact('aof_enabled') === '0') {
    onNote(`${place}: Redis keeps jobs in memory only; with appendonly yes they outlive it`);
  }
}
