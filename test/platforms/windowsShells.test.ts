import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { projectRoot } from '../support/projectRoot.js';
import { shellCommands } from '../support/shellCommands.js';

/*
 * What people type must be typed differently in the shells of Windows here and there: README's table says how. What
 * npm runs for them goes to cmd.exe as it stands.
 */

const README = readFileSync(join(projectRoot, 'README.md'), 'utf8');
const [section = ''] = /^### On Windows\n[\s\S]*?(?=^## )/m.exec(README) ?? [];
const elsewhere = README.replace(section, '');
const commands = shellCommands(elsewhere);
const spans = [...elsewhere.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`]+)`/g)].map(
  ([, code]) => code!,
);

/** The table's rows: an example of the construct, and its form in each shell. */
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [here = '', cmd = '', powershell = ''] = line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.replaceAll('\\|', '|'));
    const example = /`([^`]+)`/.exec(here)?.[1] ?? '';
    const inCmd = cmd.startsWith('the same') ? `\`${example}\`` : cmd;
    return { example, cmd: inCmd, powershell: powershell === 'the same' ? inCmd : powershell };
  });

interface Difference {
  /** Finds the construct in a command. */
  readonly find: RegExp;
  /** What the table must have for each shell. */
  readonly cmd: RegExp;
  readonly powershell: RegExp;
}

const SAME = /./;
/** PowerShell reads `a,b` as two arguments, `'` only there quotes, its `<` is an error, and its `curl` was no curl. */
const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'a variable before a command': {
    find: /^[A-Z_]+=\S/,
    cmd: /`set [A-Z_]+=/,
    powershell: /`\$env:[A-Z_]+ = '/,
  },
  'single quotes': { find: /'[^']*'/, cmd: /`"[^'"]*"`/, powershell: /`["'][^`]*["']`/ },
  'a list with commas': { find: /\w,\w/, cmd: SAME, powershell: /`["'][^"']*,[^"']*["']`/ },
  'a pattern of names': { find: /\*\.\w+/, cmd: SAME, powershell: SAME },
  'bytes from a file': { find: /(^| )< \S/, cmd: /`< /, powershell: /`cmd \/c "[^"]* < [^"]*"`/ },
  curl: { find: /^curl\b/, cmd: SAME, powershell: /`curl\.exe`/ },
  'text for another program': { find: /(^| )\| \w/, cmd: SAME, powershell: /`--output-dir`/ },
};

describe('README says how its commands are typed in cmd and PowerShell', () => {
  for (const [name, { find, cmd, powershell }] of Object.entries(DIFFERENCES)) {
    test(name, () => {
      assert.ok(
        [...commands, ...spans].some((command) => find.test(command)),
        'no command has it any more',
      );
      const row = rows.find(({ example }) => find.test(example)) ?? assert.fail('no row of the table has it');
      assert.match(row.cmd, cmd);
      assert.match(row.powershell, powershell);
    });
  }

  test('make: as the npm script that the Makefile runs', () => {
    const makefile = readFileSync(join(projectRoot, 'Makefile'), 'utf8');
    const targets = new Set([...commands, ...spans].flatMap((code) => /^make (\w+)/.exec(code)?.[1] ?? []));
    assert.ok(targets.size > 0);
    for (const target of targets) {
      const [, recipe = assert.fail(target)] =
        new RegExp(`^${target}:.*\\n\\t(npm .*)$`, 'm').exec(makefile) ?? [];
      const row = rows.find(({ example }) => example === `make ${target}`);
      assert.equal(row?.cmd, `\`${recipe.replace(/ --silent/, '')}\``, target);
      assert.equal(row.powershell, row.cmd);
    }
  });

  test('scripts with a #! line: as what node runs', () => {
    const scripts = new Set([...commands, ...spans].flatMap((code) => /^\.\/(\w+)/.exec(code)?.[1] ?? []));
    assert.ok(scripts.size > 0);
    for (const script of scripts) {
      const row = rows.find(({ example }) => example === `./${script}`);
      assert.equal(row?.cmd, `\`node ${script}\``, script);
      assert.equal(row.powershell, row.cmd);
    }
  });

  test('nothing else of a POSIX shell occurs in a block', () => {
    for (const command of commands) {
      const known = Object.values(DIFFERENCES).reduce(
        (rest, { find }) => rest.replaceAll(new RegExp(find, 'g'), ''),
        command,
      );
      // A factor of a sweep, `1-16*2`, is no name of a file to any shell of Windows.
      assert.match(known.replaceAll(/\d\*\d/g, ''), /^[\w ./:=@-]*$/, command);
    }
  });
});

test('the scripts of package.json mean the same to cmd.exe and to a POSIX shell', () => {
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const [name, script] of Object.entries(scripts)) {
    for (const command of script.split(' && ')) {
      const [program = '', ...words] = command.split(' ');
      // npm finds the last of these, as .cmd files too.
      const isFound =
        ['node', 'npm'].includes(program) || existsSync(join(projectRoot, 'node_modules', '.bin', program));
      assert.ok(/^[a-z]+$/.test(program) && isFound, `${name}: ${program}`);
      for (const word of words) assert.match(word, /^[\w./:-]+$/, `${name}: ${command}`);
      if (program === 'npm' && words[0] === 'run') assert.ok(words.at(-1)! in scripts, `${name}: ${command}`);
      if (program === 'node') assert.ok(existsSync(join(projectRoot, words[0]!)), `${name}: ${command}`);
    }
  }
});
