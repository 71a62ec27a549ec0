// `npm run docs`: writes the pages of docs/ that are generated from the code.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';

prepare({ build: true });
const compiled = (path) => import(join(ROOT, 'dist', path));
const { contractReference } = await compiled('protocol/rpc/contract/reference.js');
const { numberTables } = await compiled('protocol/flow/number-tables.js');
const { configurationSchema } = await compiled('host-server/boot/configuration-schema.js');
const { commandLine } = await compiled('host-server/command-line.js');
const { optionsPage } = await compiled('console/reference/options-page.js');
const { COMMANDS } = await compiled('console/commands/table.js');

const configuration = configurationSchema();
const pages = {
  'host.schema.json': JSON.stringify(configuration, undefined, 2),
  'numbers.md': numberTables(),
  'options.md': optionsPage(COMMANDS, { configuration, help: await commandLine('').getHelp() }),
  'xml-rpc-methods.md': contractReference(),
};
for (const [name, text] of Object.entries(pages)) {
  const page = join(ROOT, 'docs', name);
  writeFileSync(page, text);
  run(join(ROOT, 'node_modules', '.bin', 'prettier'), ['--write', '--log-level', 'warn', page]);
}
