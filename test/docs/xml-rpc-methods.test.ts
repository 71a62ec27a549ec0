/**
 * The generated page docs/xml-rpc-methods.md; after a change of the contract, run `npm run docs`.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { format } from 'prettier';
import { contractReference } from '../../protocol/rpc/contract/reference.js';

describe('docs/xml-rpc-methods.md', () => {
  it('the reference of the XML-RPC methods is generated from the present contract', async () => {
    const page = readFileSync(
      fileURLToPath(new URL('../../../docs/xml-rpc-methods.md', import.meta.url)),
      'utf8',
    );
    expect(page).to.equal(await format(contractReference(), { parser: 'markdown', printWidth: 110 }));
  });
});
