// Installs test/oracle, the packages that some tests compare this project with. They are 300 MB, so `npm ci` leaves
// them out; those tests are skipped without them, except under CI=true, where they fail.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'test', 'oracle');
const stamp = join(folder, 'node_modules', '.package-lock.json'); // npm writes it last
if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs) {
  console.log('test/oracle is up to date');
} else {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund'];
  const installed = spawnSync('npm', ['ci', '--prefix', 'test/oracle', ...options], {
    stdio: 'inherit',
    cwd: root,
    shell: process.platform === 'win32', // npm is a batch file there
  });
  if (installed.status !== 0) {
    console.error('error: test/oracle could not be installed');
    process.exit(installed.status ?? 1);
  }
}
