/** Completion at the prompt: commands, options and names, from a fixed source of names. */
import { expect } from 'chai';
import { COMMANDS } from '../../../console/commands/table.js';
import { complete, type NameSource } from '../../../console/prompt/completion.js';

const names: NameSource = async (kind, app) => {
  switch (kind) {
    case 'application':
      return ['e23001', 'e23002'];
    case 'flow':
      return ['spectra', 'events'];
    case 'spectrum':
      return app === 'e23002' ? ['other'] : ['ge.00.Co-60', 'ge.01.Eu-152', 'pid de', 'evil\x1b[2J'];
    case 'command':
      return [];
    default:
      return kind satisfies never;
  }
};
const at = (line: string): Promise<[string[], string]> => complete(line, COMMANDS, names);

describe('the completion', () => {
  it('completion offers commands, with a space after a single one', async () => {
    expect(await at('ap')).to.deep.equal([['apps '], 'ap']);
    expect((await at('st'))[0]).to.deep.equal(['start', 'stats', 'stop']);
    expect((await at(''))[0]).to.include.members(['spectra', 'help', 'exit']);
    expect(await at('help spec')).to.deep.equal([['spectra '], 'spec']);
  });

  it('completion offers options that are not given yet', async () => {
    expect(await at('show x --wa')).to.deep.equal([['--watch '], '--wa']);
    expect((await at('show x --watch --w'))[0]).to.deep.equal(['--width ']);
    expect((await at('apps --'))[0]).to.deep.equal([
      '--all',
      '--directory',
      '--json',
      '--no-colour',
      '--help',
    ]);
  });

  it('completion offers choices and names as option values', async () => {
    expect((await at('show x --scale l'))[0]).to.deep.equal(['linear', 'log']);
    expect((await at('flows --app '))[0]).to.deep.equal(['e23001', 'e23002']);
    expect((await at('show x --range '))[0]).to.deep.equal([]);
  });

  it('completion offers spectra, applications and flows by position', async () => {
    expect((await at('show ge'))[0]).to.deep.equal(['ge.00.Co-60', 'ge.01.Eu-152']);
    expect((await at('stop '))[0]).to.deep.equal(['e23001', 'e23002']);
    expect((await at('stats ev'))[0]).to.deep.equal(['events ']);
    expect((await at('host st'))[0]).to.deep.equal(['status', 'start', 'stop']);
  });

  it('completion offers the spectra of the named application', async () => {
    expect((await at('show --app e23002 '))[0]).to.deep.equal(['other ']);
    expect((await at('show --app=e23002 --watch '))[0]).to.deep.equal(['other ']);
  });

  it('completion quotes names with spaces, also after an opening quote', async () => {
    expect(await at('show pi')).to.deep.equal([['"pid de" '], 'pi']);
    expect(await at('show "pid d')).to.deep.equal([['"pid de" '], '"pid d']);
  });

  it('completion offers no name with control characters', async () => {
    expect((await at('show ev'))[0]).to.deep.equal([]);
  });

  it('completion offers nothing after an unknown command or a last positional', async () => {
    expect((await at('nonsense x'))[0]).to.deep.equal([]);
    expect((await at('stop e23001 '))[0]).to.deep.equal([]);
  });
});
