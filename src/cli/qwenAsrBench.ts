#!/usr/bin/env node
import { runCommand } from './runCommand.js';

await runCommand(async () => (await import('./benchProgram.js')).benchProgram);
