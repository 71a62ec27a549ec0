/** The page about typed flows shows code that runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { RealSystem } from '../../kit/real-system.js';

const APP = 'e1';
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const EXAMPLES = ['detector-events', 'provider', 'consumer', 'provided-types'];

describe('the examples of typed flows', () => {
  let system: RealSystem;
  before(async () => {
    system = new RealSystem();
    await system.startHost(APP);
  });
  after(() => system.stop(false));

  const run = (example: string, ...args: string[]): Promise<string> =>
    system.program(`examples/typed-flow/${example}.js`, args).success();

  it('every snippet of docs/typed-flows.md is part of an example', () => {
    const sources = EXAMPLES.map((name) =>
      readFileSync(join(ROOT, `examples/typed-flow/${name}.ts`), 'utf8'),
    );
    const page = readFileSync(join(ROOT, 'docs/typed-flows.md'), 'utf8');
    const snippets = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
    expect(snippets.length).to.be.greaterThan(5);
    for (const snippet of snippets) {
      expect(
        sources.some((source) => source.includes(snippet)),
        `no example has\n${snippet}`,
      ).to.equal(true);
    }
  });

  it('the example programs carry detector events from a provider to a consumer', async () => {
    const [provider, consumer] = await Promise.all([
      run('provider', APP, '100'),
      run('consumer', APP, '100'),
    ]);
    expect(provider).to.equal('wrote 100 buffers\n');
    // 12 rounds of 0 to 7 hits, then 0 to 3.
    expect(consumer).to.equal('took 100 buffers with 342 hits, 25 of trigger 3\n');
  });

  it('the example of the provided types runs', async () => {
    expect(await run('provided-types', APP)).to.match(
      /^run 42 with 48Ca\n8 x 64 pixels, sum 256\n100000 numbers in \d{2,3} bytes\n$/,
    );
  });
});
