/** The command `nats`: permissions and keys. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConsoleSystem } from '../system.js';

describe('the command nats', () => {
  let system: ConsoleSystem;

  before(() => {
    system = new ConsoleSystem();
  });

  after(() => system.close());

  it('key: makes a private key for its owner alone, never replaces one, and prints its public part', async () => {
    const file = join(system.root, 'site.key');
    const made = await system.run('nats', 'key', '-o', file);
    expect(made.exit).to.equal(0);
    expect(made.stdout).to.match(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    const text = readFileSync(file, 'utf8');
    expect((await system.run('nats', 'key', '--of', file)).stdout).to.equal(made.stdout);
    const again = await system.run('nats', 'key', '-o', file);
    expect(again.exit).to.equal(2);
    expect(again.stderr).to.contain('EEXIST');
    expect(readFileSync(file, 'utf8')).to.equal(text);
  });

  it('permissions: prints an account with a user for each site', async () => {
    const { stdout, exit } = await system.run('nats', 'permissions', '--prefix', 'e1', 'gsi', 'frib');
    expect(exit).to.equal(0);
    expect(stdout).to.match(/^ {2}e1: \{$/m);
    expect(stdout.match(/^ {6}user: "(gsi|frib)"$/gm)).to.have.length(2);
    const passwords = [...stdout.matchAll(/password: "([^"]{32})"/g)].map(([, password]) => password);
    expect(new Set(passwords).size).to.equal(2);
  });

  it('a missing or wrong value is refused with what to give', async () => {
    for (const [words, reason] of [
      [['permissions', '--prefix', 'e1'], 'names of all sites'],
      [['permissions', '--prefix', 'e.1', 'gsi'], 'prefix of 1 to 32'],
      [['key'], '-o FILE'],
    ] as const) {
      const { exit, stderr } = await system.run('nats', ...words);
      expect(exit, words.join(' ')).to.equal(2);
      expect(stderr).to.contain(reason);
    }
  });
});
