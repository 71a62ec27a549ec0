// `npm run test:node -- MAJOR [--short] [mocha's options]`: unit and system tests on another Node,
// which comes as a package of the registry. `--short`: of the system tests only those of flows,
// mirrors and recovery.
import { join } from 'node:path';
import { buildAddons, isBuilt } from './addons.mjs';
import { SUPPORTED_NODES, nodePackage } from './nodes.mjs';
import { fail, prepare } from './setup.mjs';
import { TestRun } from './test-kit.mjs';

const SHORT = ['flows', 'mirror', 'killed-processes', 'take-over'];

const [word, ...rest] = process.argv.slice(2);
const wanted = SUPPORTED_NODES.find(({ major }) => String(major) === word);
if (wanted === undefined)
  fail(
    `test:node takes one of ${SUPPORTED_NODES.map(({ major }) => major).join(', ')}, not ${word ?? 'nothing'}`,
  );
const short = rest.includes('--short');
const picked = rest.filter((argument) => argument !== '--short');

prepare({ build: true });
const prefix = nodePackage(wanted.major);
if (!isBuilt(wanted.abi)) buildAddons({ abi: wanted.abi, headers: prefix });
process.env.MIRRORFLOW_WEB ??= 'off';
const node = join(prefix, 'bin', 'node');
const tests = new TestRun();
tests.mocha(`unit tests on Node ${wanted.major}`, '.mocharc.json', picked, { node });
const files = short ? SHORT.map((part) => `dist/test/system/*${part}*.test.js`) : [];
tests.mocha(
  `system tests on Node ${wanted.major}`,
  short ? '.mocharc.named.json' : '.mocharc.system.json',
  [...files, ...picked],
  { node },
);
tests.summary(process.env.MIRRORFLOW_TEST_TOTALS);
process.exit(tests.ok ? 0 : 1);
