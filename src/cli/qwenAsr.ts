#!/usr/bin/env node
import { runCommand } from './runCommand.js';

await runCommand(async () => (await import('./asrCommand.js')).asrCommand);
