#!/usr/bin/env node
import { benchCommand } from './benchCommand.js';
import { runCommand } from './runCommand.js';

await runCommand(benchCommand);
