/** What a terminal can show, by its environment variables. Pure. */
import { expect } from 'chai';
import { styled, terminalAbilities } from '../../../console/render/colour.js';

const abilities = (env: Record<string, string>, isTTY = true) => terminalAbilities(env, isTTY);

describe("the detection of a terminal's abilities", () => {
  it('a file or pipe gets no colour and no repainting', () => {
    expect(abilities({ TERM: 'xterm-256color', LANG: 'en_US.UTF-8' }, false)).to.deep.equal({
      colour: 'none',
      unicode: true,
      repaint: false,
    });
  });
  it('the colour depth follows TERM and COLORTERM', () => {
    expect(abilities({ TERM: 'xterm' }).colour).to.equal('basic');
    expect(abilities({ TERM: 'xterm-256color' }).colour).to.equal('256');
    expect(abilities({ TERM: 'tmux' }).colour).to.equal('256');
    expect(abilities({ TERM: 'xterm-256color', COLORTERM: 'truecolor' }).colour).to.equal('truecolor');
    expect(abilities({ TERM: 'dumb', COLORTERM: 'truecolor' }).colour).to.equal('none');
  });
  it('a dumb terminal is not repainted', () => {
    expect(abilities({ TERM: 'dumb' }).repaint).to.equal(false);
  });
  it('a non-empty NO_COLOR switches colours off', () => {
    expect(abilities({ TERM: 'xterm', NO_COLOR: '1' }).colour).to.equal('none');
    expect(abilities({ TERM: 'xterm', NO_COLOR: '' }).colour).to.equal('basic');
  });
  it('FORCE_COLOR overrides every other variable', () => {
    expect(abilities({ FORCE_COLOR: '0', TERM: 'xterm' }).colour).to.equal('none');
    expect(abilities({ FORCE_COLOR: '1', NO_COLOR: '1' }, false).colour).to.equal('basic');
    expect(abilities({ FORCE_COLOR: '2' }, false).colour).to.equal('256');
    expect(abilities({ FORCE_COLOR: '3' }, false).colour).to.equal('truecolor');
  });
  it('Unicode follows the first locale variable that is set', () => {
    expect(abilities({ LC_ALL: 'C', LANG: 'de_DE.UTF-8' }).unicode).to.equal(false);
    expect(abilities({ LC_ALL: '', LANG: 'de_DE.utf8' }).unicode).to.equal(true);
    expect(abilities({}).unicode).to.equal(false);
    expect(abilities({ TERM: 'linux', LANG: 'de_DE.UTF-8' }).unicode).to.equal(false);
  });
  it('a style ends after its text', () => {
    expect(styled('x', 'red', 'basic')).to.equal('\x1b[31mx\x1b[0m');
    expect(styled('x', 'red', 'none')).to.equal('x');
    expect(styled('', 'red', 'basic')).to.equal('');
  });
});
