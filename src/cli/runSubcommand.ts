import { existsSync } from 'node:fs';
import { QwenAsrError } from '../error.js';
import { nearestWord } from './options.js';
import type { Command, CommandContext, ExitCode } from './runCommand.js';

/**
 * Runs the sub-command that the first argument names, or else the command that has no name.
 *
 * @throws QwenAsrError `usage` for an argument that is no file but nearly a sub-command
 */
export async function runSubcommand(
  subcommands: ReadonlyMap<string, Command>,
  unnamed: Command,
  context: CommandContext,
): Promise<ExitCode> {
  const [name, ...rest] = context.args;
  if (name === undefined || name.startsWith('-')) return unnamed(context);
  const subcommand = subcommands.get(name);
  if (subcommand !== undefined) return subcommand({ ...context, args: rest });
  const meant = existsSync(name) ? undefined : nearestWord(name, [...subcommands.keys()]);
  if (meant === undefined) return unnamed(context);
  throw new QwenAsrError('usage', `unknown sub-command ${name} (did you mean ${meant}?); -h lists them`);
}
