/** The generated page docs/options.md; after a change of an option, run `npm run docs`. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { format } from 'prettier';
import { COMMANDS } from '../../console/commands/table.js';
import { optionsPage } from '../../console/reference/options-page.js';
import { commandLine } from '../../host-server/command-line.js';
import { configurationSchema } from '../../host-server/boot/configuration-schema.js';

describe('docs/options.md', () => {
  it('the page of options is generated from the code', async () => {
    const page = readFileSync(new URL('../../../docs/options.md', import.meta.url), 'utf8');
    const help = await commandLine('').getHelp();
    const text = optionsPage(COMMANDS, { configuration: configurationSchema(), help });
    expect(page).to.equal(await format(text, { parser: 'markdown', printWidth: 110 }));
  });
});
